"""A project that does not answer, or answers as something else, is told in one sentence."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from store.identity import PasswordLogin
from tests.database.gateway import serving
from tests.hosted.consoles import Console, MakeConsole
from tests.hosted.forms import complaint_of, sign_in
from tests.hosted.project import MACHINE, PASSWORD, HostedProject, NewPerson
from tests.supabase_auth import User

LIMIT_S = 60


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
