"""What nobody should send, and projects that do not answer: each is met with one clear sentence."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import httpx2
import jwt
import psutil
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from server.body_limit import MOST_BYTES
from store import NotSignedIn, clock
from store.caller import COOKIE, who_is
from store.environment import PROJECT
from store.hosted import browsers
from store.hosted.auth import Tokens
from store.hosted.seal import Seal
from store.identity import PasswordLogin
from tests.database.gateway import LEGACY_KEY, serving
from tests.hosted.conftest import Console, MakeConsole, NewPerson, complaint_of, sign_in
from tests.hosted.project import COOKIE_SECRET, MACHINE, PASSWORD, HostedProject
from tests.supabase_auth import AuthServer, Signing, User

UNFINISHED = "console_sign_in"
PURPOSE = "unfinished sign-in"
FORMS = ["/sign-in", "/sign-out", "/auth/reset", "/auth/accept"]
URLENCODED = "application/x-www-form-urlencoded"
LIMIT_S = 60
_CHUNK = 64 * 2**10


@pytest.fixture(name="look_always")
def look_always_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request looks whether its session is still there, not only one in fifteen seconds."""
    monkeypatch.setattr(browsers, "_TRUSTED_S", -1.0)


@pytest.fixture(name="tokens")
def tokens_fixture(console: Console, new_person: NewPerson) -> Tokens:
    """What Auth gave somebody who signed in."""
    return console.store.auth.sign_in(PasswordLogin(new_person().email, PASSWORD))


# Cookies

FORGED = {
    "empty": "",
    "made up": "N47LqQfg0dHYyOePt8C4npq-pLMbbwtkUSrES1RtUwk",
    "not text": "\xff\xfe\x00\x01",
    "overlong": "x" * 100_000,
    "quoted": '"\\377\\000"',
    "SQL": "' or 1=1 --",
}


@pytest.mark.parametrize("secret", FORGED.values(), ids=FORGED)
def test_a_forged_cookie_is_nobodys(console: Console, secret: str) -> None:
    """Whatever the cookie of a session holds, it leads to the form like no cookie at all."""
    headers = {b"cookie": f"{COOKIE}={secret}".encode("latin-1")}
    browser = console.browser()
    assert browser.get("/cost", headers=headers).headers["location"] == "/sign-in?next=%2Fcost"
    assert browser.get("/_stcore/host-config", headers=headers).status_code == 403
    assert browser.get("/sign-in", headers=headers).status_code == 200


@pytest.mark.parametrize("change", ["cut", "longer", "changed", "upper case", "hashed"])
def test_a_damaged_cookie_is_nobodys(
    console: Console, new_person: NewPerson, project_owner: psycopg.Connection, change: str
) -> None:
    """A secret is good as a whole only, and what the database holds in its place is none."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    secret = browser.cookies[COOKIE]
    [(sha256,)] = project_owner.execute("select session_sha256 from private.sessions").fetchall()
    damaged = {
        "cut": secret[:-1],
        "longer": f"{secret}A",
        "changed": f"{'B' if secret[0] == 'A' else 'A'}{secret[1:]}",
        "upper case": secret.upper(),
        "hashed": sha256,
    }[change]
    other = console.browser()
    other.cookies.set(COOKIE, damaged)
    assert other.get("/").status_code == 303
    assert browser.get("/").status_code == 200


@pytest.mark.usefixtures("look_always")
@pytest.mark.parametrize("column", ["ends_at", "last_seen_at"])
def test_an_expired_cookie_leads_to_the_form(
    console: Console, new_person: NewPerson, project_owner: psycopg.Connection, column: str
) -> None:
    """When a session is over, the next page asks to sign in, and leads back to itself."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    assert browser.get("/").status_code == 200
    project_owner.execute(f"update private.sessions set {column} = now() - interval '8 days'".encode())  # noqa: S608
    assert browser.get("/cost?period=7").headers["location"] == "/sign-in?next=%2Fcost%3Fperiod%3D7"
    assert browser.get("/sign-in").status_code == 200


def _sealed(text: str, secret: str = COOKIE_SECRET, purpose: str = PURPOSE) -> str:
    return Seal(secret).close(text, purpose)


_BEGUN = json.dumps({"next": "/", "method": "provider", "verifier": "v" * 43, "tokens": None})
UNFINISHED_FORGERIES = {
    "empty": "",
    "made up": "bm90aGluZw==",
    "not base64": "%%%",
    "cut": _sealed(_BEGUN)[:-5],
    "changed": f"{_sealed(_BEGUN)[:-5]}AAAA=",
    "of another installation": _sealed(_BEGUN, secret="the secret of some other installation"),
    "for another purpose": _sealed(_BEGUN, purpose="0" * 64),
    "nothing in it": _sealed("{}"),
    "no object": _sealed("[]"),
    "no JSON": _sealed("\0"),
    "endless": _sealed("[" * 2_000),
    "of an unknown kind": _sealed(_BEGUN.replace("provider", "magic")),
}


@pytest.mark.parametrize("sealed", UNFINISHED_FORGERIES.values(), ids=UNFINISHED_FORGERIES)
def test_a_forged_unfinished_sign_in_is_none(console: Console, auth: AuthServer, sealed: str) -> None:
    """Nothing but a cookie that this installation gave continues a sign-in; Auth is not asked about others."""
    headers = {"cookie": f"{UNFINISHED}={sealed}"}
    assert console.store  # which signs the orchestrator in
    before = sum(auth.calls.values())
    answers = [
        console.browser().post("/sign-in", data={"code": "123456"}, headers=headers),
        console.browser().get("/auth/callback?code=x", headers=headers),
        console.browser().post("/auth/accept", data={"password": "a long password"}, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [400] * 3
    assert all("another browser" in complaint_of(answer) for answer in answers)
    assert sum(auth.calls.values()) == before


@pytest.fixture(name="begun")
def begun_fixture(console: Console, new_person: NewPerson, auth: AuthServer) -> tuple[User, TestClient, str]:
    """Somebody at the form for a new password, their browser, and the cookie of their unfinished sign-in."""
    person, browser = new_person(), console.browser()
    browser.post("/auth/reset", data={"email": person.email})
    fragment = urlsplit(httpx.get(auth.mails[-1].link).headers["location"]).fragment
    given = dict(parse_qsl(fragment))
    fields = {"access_token": given["access_token"], "refresh_token": given["refresh_token"], "kind": "recovery"}
    assert browser.post("/auth/accept", data=fields).status_code == 200
    return person, browser, browser.cookies[UNFINISHED].strip('"')


def choose(console: Console, sealed: str, password: str) -> httpx2.Response:
    """Send the form for a new password from another browser, which has the cookie of an unfinished sign-in."""
    headers = {"cookie": f"{UNFINISHED}={sealed}"}
    return console.browser().post("/auth/accept", data={"password": password}, headers=headers)


def test_a_finished_sign_in_cannot_be_finished_again(
    console: Console, auth: AuthServer, begun: tuple[User, TestClient, str]
) -> None:
    """A copy of the cookie is worth nothing once its owner has chosen the password."""
    person, browser, sealed = begun
    assert browser.post("/auth/accept", data={"password": "a password of one's own"}).status_code == 303
    replayed = choose(console, sealed, "a password of a thief")
    assert auth.users[person.id].password == "a password of one's own"
    assert replayed.status_code == 400


def test_an_unfinished_sign_in_is_over_after_ten_minutes(
    console: Console, auth: AuthServer, begun: tuple[User, TestClient, str], project_owner: psycopg.Connection
) -> None:
    """A browser that ignores the end of the cookie, or a copy of it, comes too late by the database's clock."""
    person, _, sealed = begun
    project_owner.execute("update private.unfinished_sign_ins set ends_at = ends_at - interval '10 minutes'")
    late = choose(console, sealed, "a password that comes too late")
    assert auth.users[person.id].password == PASSWORD
    assert late.status_code == 400


# Tokens


def _of_another_key(auth: AuthServer, tokens: Tokens) -> str:
    return Signing.es256().token(_claims(tokens))


def _of_another_secret(auth: AuthServer, tokens: Tokens) -> str:
    return jwt.encode(_claims(tokens), "a secret that is not the project's own", "HS256")


def _unsigned(auth: AuthServer, tokens: Tokens) -> str:
    return jwt.encode(_claims(tokens), "", "none")


def _with_public_key_as_secret(auth: AuthServer, tokens: Tokens) -> str:
    [key, *_] = auth.signing.jwks()["keys"]
    unsigned = jwt.encode(_claims(tokens), "x" * 32, "HS256", {"kid": key["kid"]}).rpartition(".")[0]
    signature = hmac.digest(json.dumps(key).encode(), unsigned.encode(), "sha256")
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _of_somebody_else(auth: AuthServer, tokens: Tokens) -> str:
    header, _, signature = tokens.access_token.split(".")
    admin = auth.user_with("admin@example.com")
    assert admin
    payload = jwt.encode(_claims(tokens) | {"sub": admin.id}, "x" * 32, "HS256").split(".")[1]
    return f"{header}.{payload}.{signature}"


def _cut(auth: AuthServer, tokens: Tokens) -> str:
    return tokens.access_token[:-10]


def _expired(auth: AuthServer, tokens: Tokens) -> str:
    return auth.signing.token(_claims(tokens) | {"exp": int((clock.now() - timedelta(hours=1)).timestamp())})


def _api_key(auth: AuthServer, tokens: Tokens) -> str:
    return LEGACY_KEY


def _no_token(auth: AuthServer, tokens: Tokens) -> str:
    return "made up"


def _claims(tokens: Tokens) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(tokens.access_token, options={"verify_signature": False})
    return claims


Forgery = Callable[[AuthServer, Tokens], str]
FORGERIES: list[Forgery] = [
    _of_another_key, _of_another_secret, _unsigned, _with_public_key_as_secret, _of_somebody_else, _cut, _expired,
    _api_key, _no_token,
]  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_opens_no_password_form(
    console: Console, auth: AuthServer, tokens: Tokens, forgery: Forgery
) -> None:
    """Only Auth says whether the tokens of a link are good; others lead back to the form."""
    browser = console.browser()
    fields = {"access_token": forgery(auth, tokens), "refresh_token": "made up", "kind": "recovery"}
    answer = browser.post("/auth/accept", data=fields)
    assert answer.status_code == 400
    assert "expired or was used before" in complaint_of(answer)
    assert not browser.cookies


def test_tokens_of_two_people_make_no_session_of_both(
    make_console: MakeConsole, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """A renewal that brings the tokens of another person than the session's ends it; nobody is two people."""
    console, one, other = make_console(), new_person(), new_person()
    sign_ins = [console.store.auth.sign_in(PasswordLogin(person.email, PASSWORD)) for person in (one, other)]
    mixed = Tokens(one.id, sign_ins[0].access_token, sign_ins[1].refresh_token, 3_600)
    secret = console.store.browsers().open(mixed, "password", {})
    project_owner.execute("update private.sessions set access_ends_at = now()")
    session = console.store.browsers().find(secret)
    assert session
    try:
        seen = who_is(console.store.signed_in(session)).user_id
    except NotSignedIn:
        return
    assert seen == one.id


# Bodies


async def _stream(size: int, letter: bytes, sent: list[int]) -> AsyncIterator[bytes]:
    for _ in range(size // _CHUNK):
        sent.append(_CHUNK)
        yield letter * _CHUNK


def streamed(app: Starlette, path: str, letter: bytes, size: int, *, announced: bool) -> tuple[httpx.Response, int]:
    """Post a body piece by piece; returns the answer and how many bytes were taken."""
    sent: list[int] = []
    headers = {"content-type": URLENCODED} | ({"content-length": str(size)} if announced else {})

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.post(path, content=_stream(size, letter, sent), headers=headers)

    return asyncio.run(post()), sum(sent)


@pytest.mark.parametrize("path", [*FORMS, "/api/generate-agent-v2"])
def test_a_body_that_says_it_is_too_large_is_not_read(console: Console, path: str) -> None:
    """A hundred megabytes are refused by their announcement."""
    answer, taken = streamed(console.app, path, b"a", 100 * 2**20, announced=True)
    assert (answer.status_code, taken) == (413, 0)
    most = 4096 if path.startswith("/api") else 64
    assert answer.json()["detail"] == f"The request is larger than {most:,} kB."


@pytest.mark.parametrize("path", ["/sign-in", "/auth/accept"])
@pytest.mark.parametrize("letter", [b"&", b"a"], ids=["no field", "one field"])
def test_a_body_that_does_not_end_is_not_read_to_its_end(console: Console, path: str, letter: bytes) -> None:
    """A body that does not say how long it is is read as far as a form can be long."""
    answer, taken = streamed(console.app, path, letter, 100 * 2**20, announced=False)
    assert answer.status_code == 413
    assert taken <= MOST_BYTES["/sign-in"] + 2 * _CHUNK


def is_plain_refusal(answer: httpx2.Response) -> bool:
    """Whether an answer refuses in a few words, and shows nothing of the program."""
    return answer.status_code == 400 and len(answer.text) < 200 and "Traceback" not in answer.text


@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_a_thousand_fields_is_refused(console: Console, path: str) -> None:
    """No form of ours has more than a handful; ten thousand are too large already."""
    assert console.browser().post(path, data={f"field{number}": "x" for number in range(10_000)}).status_code == 413
    fields = {f"field{number}": "x" for number in range(500)}
    assert is_plain_refusal(console.browser().post(path, data=fields))
    parts = {name: (None, value) for name, value in fields.items()}
    assert is_plain_refusal(console.browser().post(path, files=parts))


@pytest.mark.parametrize("path", FORMS)
def test_files_are_refused(console: Console, path: str) -> None:
    """No form of ours takes a file, under whatever name."""
    for name in ("email", "file"):
        assert is_plain_refusal(console.browser().post(path, files={name: ("x.bin", b"\0" * 100)}))


TYPES = [
    URLENCODED, "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x",
    f"multipart/form-data; boundary={'x' * 5_000}", "multipart/form-data; boundary=x; charset=utf-16",
    "multipart/form-data; charset=none; boundary=\xff", "application/json", "text/plain; charset=\0", "",
]  # fmt: skip
BODIES = {"every byte": bytes(range(256)) * 8, "a part": b"--x\r\n\r\n\xff--x--", "percent": b"%=%&%ff=%00&email=%"}


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_garbage_is_no_error_of_ours(console: Console, path: str, body: bytes) -> None:
    """Whatever arrives in place of a form, the answer is the form's own or 400, and signs nobody in."""
    browser = console.browser()
    for media_type in TYPES:
        answer = browser.post(path, content=body, headers={b"content-type": media_type.encode("latin-1")})
        assert answer.status_code in (200, 303, 400, 401, 429), media_type
        assert "Traceback" not in answer.text
        assert COOKIE not in browser.cookies


def in_parts(charset: str, **fields: bytes) -> tuple[bytes, dict[str, str]]:
    """A form in parts that claims a character set; returns its body and headers."""
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in fields.items()
    ]
    return b"".join([*parts, b"--x--\r\n"]), {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}


@pytest.mark.parametrize(
    ("charset", "email"),
    [("utf-16", b"ab"), ("no-such-charset", b"ab"), ("hex", b"ab"), ("undefined", b"ab"), ("utf-7", b"+2AA-")],
)
def test_the_character_set_of_a_form_is_the_senders_problem(console: Console, charset: str, email: bytes) -> None:
    """A form may claim any character set; the answer is that of a wrong password."""
    body, headers = in_parts(charset, email=email, password=b"abcdefgh")
    assert console.browser().post("/sign-in", content=body, headers=headers).status_code in (400, 401)


@pytest.mark.parametrize("name", ["email", "password", "next", "provider", "code", "access_token", "refresh_token"])
def test_an_overlong_field_is_refused_like_any_wrong_one(console: Console, new_person: NewPerson, name: str) -> None:
    """Fifty kilobytes in one field, not all of it ASCII, are no error."""
    person, text = new_person(), "ä" * 4_000 + "x" * 30_000
    for path in FORMS:
        browser = console.browser()
        answer = browser.post(path, data={"email": person.email, "password": "wrong", name: text})
        assert answer.status_code in (200, 303, 400, 401)
        assert COOKIE not in browser.cookies


def test_an_overlong_destination_is_the_front_page(console: Console, new_person: NewPerson) -> None:
    """A page that nobody can have asked for does not keep anybody from signing in."""
    signed_in = sign_in(console.browser(), new_person().email, next=f"/{'x' * 30_000}")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")


# Projects that do not answer


class Front:
    """What is between a console and its project; passes everything on until `answer` is set."""

    def __init__(self, url: str) -> None:
        self.answer: Callable[[Request], Awaitable[Response]] | None = None
        self._client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=LIMIT_S)
        methods = ["GET", "POST", "PUT", "DELETE"]
        self.app = Starlette(routes=[Route("/{path:path}", self._respond, methods=methods)], lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield

    async def _respond(self, request: Request) -> Response:
        if self.answer:
            return await self.answer(request)
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "accept-encoding")}
        path = f"{request.url.path}?{request.url.query}"
        passed = await self._client.request(request.method, path, headers=headers, content=await request.body())
        return Response(passed.content, passed.status_code, dict(passed.headers))


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same answer."""

    status: int
    body: str | dict[str, str]

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        made = HTMLResponse if isinstance(self.body, str) else JSONResponse
        return made(self.body, self.status)


async def never(request: Request) -> Response:
    """No answer, as long as anybody waits for it."""
    while not await request.is_disconnected():  # noqa: ASYNC110 - nothing tells when it happens
        await asyncio.sleep(0.02)
    return Response()


PAGE = "<html><head><title>A page of something else</title></head><body>secret-of-the-proxy</body></html>"
TROUBLES: dict[str, Callable[[Request], Awaitable[Response]]] = {
    "paused": Fixed(540, PAGE),
    "over its quota": Fixed(402, PAGE),
    "bad gateway": Fixed(502, PAGE),
    "bad gateway in JSON": Fixed(503, {"message": "secret-of-the-proxy"}),
    "server error": Fixed(500, PAGE),
    "a network's own page": Fixed(200, PAGE),
    "another program": Fixed(200, {"name": "secret-of-the-proxy"}),
    "silent": never,
}


@pytest.fixture(name="front")
def front_fixture(project: HostedProject) -> Front:
    """A front of the shared project."""
    return Front(project.url)


@pytest.fixture(name="behind_front")
def behind_front_fixture(front: Front, make_console: MakeConsole) -> Iterator[Console]:
    """A console that reaches its project through the front."""
    with serving(front.app) as url:
        yield make_console(SUPABASE_URL=url, ORCHESTRATOR_SIGN_IN_PROVIDERS="google")


def doors(browser: TestClient, person: User, access_token: str) -> dict[str, httpx2.Response]:
    """What a signed-in browser that has begun another sign-in gets from everything that needs the project."""
    link = {"access_token": access_token, "refresh_token": "x", "kind": "recovery"}
    return {
        "screen": browser.get("/"),
        "form": browser.get("/sign-in"),
        "password": sign_in(browser, person.email),
        "callback": browser.get("/auth/callback?code=x"),
        "reset": browser.post("/auth/reset", data={"email": person.email}),
        "link": browser.post("/auth/accept", data=link),
        "sign-out": browser.post("/sign-out", data={}),
    }


@pytest.mark.usefixtures("look_always")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_project_in_trouble_is_told_in_one_sentence(
    front: Front, behind_front: Console, new_person: NewPerson, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Every page says what is wrong with the project, with status 503 and nothing of what it answered."""
    person, browser = new_person(), behind_front.browser()
    sign_in(browser, person.email)
    browser.post("/sign-in", data={"provider": "google"})
    access_token = behind_front.store.auth.sign_in(PasswordLogin(person.email, PASSWORD)).access_token
    monkeypatch.setattr(behind_front.store._http, "timeout", httpx.Timeout(0.2 if trouble == "silent" else LIMIT_S))
    front.answer = TROUBLES[trouble]
    answers = doors(browser, person, access_token)
    if trouble == "another program":
        answers.pop("reset")  # any object in JSON is what Auth answers there
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 503)
    for name, answer in answers.items():
        sentence = answer.text if name == "screen" else complaint_of(answer)
        assert re.fullmatch(r"[A-Z][^<>\n]{20,200}(\.|; run: python -m store migrate)", sentence), name
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search("Traceback|secret-of-the-proxy|something else|httpx|supabase_auth", answer.text), name
    front.answer = None
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("trouble", ["paused", "bad gateway", "a network's own page"])
def test_a_console_whose_project_was_never_there_says_so(
    front: Front, behind_front: Console, new_person: NewPerson, trouble: str
) -> None:
    """The form is shown without the project; sending it tells what is wrong, and works as soon as that is over."""
    person, browser = new_person(), behind_front.browser()
    front.answer = TROUBLES[trouble]
    assert browser.get("/sign-in").status_code == 200
    failed = sign_in(browser, person.email)
    assert failed.status_code == 503
    assert re.fullmatch(r"The Supabase project [^<>\n]*\.", complaint_of(failed))
    front.answer = None
    assert sign_in(browser, person.email).status_code == 303


def test_visitors_do_not_learn_who_the_orchestrator_is(make_console: MakeConsole, new_person: NewPerson) -> None:
    """If the orchestrator's own password is wrong, nobody can sign in; its address is the admin's business."""
    failed = sign_in(make_console(ORCHESTRATOR_PASSWORD="an old password").browser(), new_person().email)
    assert failed.status_code == 503
    assert MACHINE not in failed.text


# python -m server


def server_process(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start `python -m server`."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    command = [sys.executable, "-m", "server", *arguments]
    return subprocess.Popen(
        command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ORCHESTRATOR_COOKIE_SECRET": ""}, "ORCHESTRATOR_COOKIE_SECRET is missing"),
        ({"ORCHESTRATOR_COOKIE_SECRET": "x" * 31}, "ORCHESTRATOR_COOKIE_SECRET must be at least 32 characters"),
        ({"ORCHESTRATOR_EMAIL": "", "ORCHESTRATOR_PASSWORD": ""}, "ORCHESTRATOR_EMAIL and ORCHESTRATOR_PASSWORD are"),
        ({"ORCHESTRATOR_PASSWORD": ""}, "ORCHESTRATOR_PASSWORD is missing"),
        ({"SUPABASE_URL": "", "SUPABASE_KEY": "", "ORCHESTRATOR_SERVER_ADDRESS": "0.0.0.0"}, "without sign-in"),  # noqa: S104
    ],
    ids=["no secret", "short secret", "no machine", "half a machine", "open to all"],
)
def test_the_server_refuses_to_start(
    project: HostedProject, tmp_path: Path, changed: dict[str, str], words: str
) -> None:
    """A server that could not sign people in, or would let everybody in, says so in one line with exit code 2."""
    with server_process("--port", "0", **project.environment(tmp_path) | changed) as process:
        output, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, output) == (2, "")
    assert words in errors
    assert re.fullmatch(r"[A-Z][^\n]*\.\n", errors)


def test_the_server_without_sign_in_listens_to_this_machine_only(open_folder: Path) -> None:
    """On the embedded database, nothing but 127.0.0.1 reaches it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"ORCHESTRATOR_DATA_DIR": str(open_folder / "data")}
    with server_process("--port", str(port), **variables) as process, httpx.Client(trust_env=False) as client:
        try:
            status = _answered(client, f"http://127.0.0.1:{port}/api/health", process)
            listening = {
                connection.laddr.ip
                for connection in psutil.Process(process.pid).net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            }
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT_S)
    assert (status, listening) == (200, {"127.0.0.1"})


def _answered(client: httpx.Client, url: str, process: subprocess.Popen[str]) -> int:
    """The status of the first answer."""
    while process.poll() is None:
        try:
            return client.get(url, timeout=LIMIT_S).status_code
        except httpx.ConnectError:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.05)
    return 0
