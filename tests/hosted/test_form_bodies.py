"""Bodies that are too large, or anything but one of the console's forms, are refused in a few words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import httpx2
import pytest
from starlette.applications import Starlette

from server.body_limit import MOST_BYTES
from store.caller import COOKIE
from tests.hosted.consoles import Console
from tests.hosted.forms import sign_in
from tests.hosted.project import NewPerson

FORMS = ["/sign-in", "/sign-out", "/auth/reset", "/auth/accept"]
URLENCODED = "application/x-www-form-urlencoded"
_CHUNK = 64 * 2**10


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
