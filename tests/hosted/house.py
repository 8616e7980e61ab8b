"""A console whose inside lets everything happen and remembers it, and requests to it exactly as they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlencode

from starlette.applications import Starlette
from starlette.routing import Mount

from orchestrator import Application
from server.routes import routes
from server.settings import ServerSettings
from server.site import Site
from store.caller import COOKIE
from store.identity import PasswordLogin
from tests.hosted.project import PASSWORD, HostedProject

LIMIT_S = 30.0
PAGES = ["/", "/cost", "/generations?status=failed&search=a%26b%20c", "/people", "/no-such-page", "/sign-inn", "/apis"]
FILES = [
    "/_stcore/host-config", "/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/upload_file/a/b",
    "/_stcore/stream", "/_stcore/bidi-components/x", "/_stcore/agent/openapi.json", "/_stcore/health/x", "/_stcore",
    "/media/report.csv", "/static/js/main.js", "/component/x/index.html", "/app/static/x.png", "/metrics",
]  # fmt: skip
Message = MutableMapping[str, Any]
Headers = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Inside:
    """Stands for the screen: answers every request with 200, and repeats what a WebSocket says."""

    entered: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Answer one request or WebSocket."""
        self.entered.append(scope["path"])
        try:
            if scope["type"] == "websocket":
                await self._echo(receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"inside"})
        finally:
            self.left.append(scope["path"])

    async def _echo(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value; None if there is none."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def session(self) -> str | None:
        """The session that the browser gets; None if it gets none, empty if its own is taken away."""
        cookies = [value for name, value in self.headers if name == "set-cookie" and value.startswith(f"{COOKIE}=")]
        return cookies[-1].partition(";")[0].partition("=")[2].strip('"') if cookies else None


@dataclass(frozen=True, slots=True)
class House:
    """A console and its inside."""

    project: HostedProject
    site: Site
    app: Starlette
    inside: Inside

    def open_session(self, email: str) -> str:
        """Sign somebody in; returns what their browser's cookie holds."""
        store = self.site.store()
        return store.browsers().open(store.auth.sign_in(PasswordLogin(email, PASSWORD)), "password", {})

    def ask(
        self, path: str, secret: str | None = None, *, method: str = "GET", headers: Headers = (),
        form: dict[str, str] | None = None, host: str | None = "localhost",
    ) -> Answer:  # fmt: skip
        """Send a request whose path is not changed on the way."""
        body = urlencode(form or {}).encode()
        kind = [("content-type", "application/x-www-form-urlencoded")] if form is not None else []
        scope = _scope("http", path, [*_first(host, secret), *kind, *headers], method=method)
        told: list[Message] = []

        async def send(message: Message) -> None:
            told.append(message)

        _run(lambda: self.app(scope, _told_once({"type": "http.request", "body": body}), send))
        named = [(name.decode().lower(), value.decode("latin-1")) for name, value in told[0]["headers"]]
        return Answer(told[0]["status"], named, b"".join(message.get("body", b"") for message in told[1:]))

    def knock(
        self, path: str = "/_stcore/stream", secret: str | None = None, *, headers: Headers = (),
        host: str | None = "localhost",
    ) -> bool:  # fmt: skip
        """Whether a WebSocket is accepted; it is closed at once."""
        told: list[Message] = []

        async def send(message: Message) -> None:
            told.append(message)

        scope = _scope("websocket", path, [*_first(host, secret), *headers])
        receive = _told_once({"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000})
        _run(lambda: self.app(scope, receive, send))
        (kind,) = [str(message["type"]) for message in told]
        assert kind in ("websocket.accept", "websocket.close")
        return kind == "websocket.accept"

    def stay(self, secret: str, script: Callable[[Socket], Awaitable[None]]) -> None:
        """Open a WebSocket and follow a script."""

        async def opened() -> None:
            socket = Socket(asyncio.Queue(), asyncio.Queue())
            scope = _scope("websocket", "/_stcore/stream", _first("localhost", secret))
            serving = asyncio.create_task(self.app(scope, socket.incoming.get, socket.outgoing.put))
            try:
                await socket.say({"type": "websocket.connect"})
                assert await socket.hear() == {"type": "websocket.accept"}
                await script(socket)
                await socket.say({"type": "websocket.disconnect", "code": 1000})
                await serving
            finally:
                serving.cancel()

        _run(opened)


@dataclass(frozen=True, slots=True)
class Socket:
    """The browser's end of a WebSocket."""

    incoming: asyncio.Queue[Message]
    outgoing: asyncio.Queue[Message]

    async def say(self, message: Message) -> None:
        """Send a message to the console."""
        await self.incoming.put(message)

    async def hear(self) -> Message:
        """The next message from the console."""
        return await self.outgoing.get()

    async def echo(self, text: str) -> None:
        """Check that the inside is still there."""
        await self.say({"type": "websocket.receive", "text": text})
        assert await self.hear() == {"type": "websocket.send", "text": text}


class MakeHouse(Protocol):
    """Creates houses."""

    def __call__(self, base: str = "", **environment: str) -> House:
        """A house of the shared project, with further variables, below a path."""


def build(project: HostedProject, application: Application, environment: dict[str, str], base: str = "") -> House:
    """A console as `python -m server` and `app.py` put it together, around a dummy."""
    settings, inside = ServerSettings.from_environment(environment), Inside()
    site = settings.site(lambda: application, base)
    served = [*routes(site, lambda: None), Mount("/", inside)]
    return House(project, site, Starlette(routes=served, middleware=settings.middleware(site)), inside)


def check_turned_away(house: House, secret: str | None, api_status: int = 401) -> None:
    """Nothing but the sign-in page and the health checks is reached with this cookie."""
    house.inside.entered.clear()
    for path in PAGES:
        answer = house.ask(path, secret)
        assert (answer.status, answer.header("location")) == (303, f"/sign-in?next={quote(path, safe='')}")
        assert answer.header("cache-control") == "no-store"
    assert [house.ask(path, secret).status for path in FILES] == [403] * len(FILES)
    assert not house.knock(secret=secret)
    for path in ("/api/settings", "/api/openapi.json"):
        answer = house.ask(path, secret)
        assert (answer.status, answer.header("content-type")) == (api_status, "application/problem+json")
    assert house.inside.entered == []


def _first(host: str | None, secret: str | None) -> Headers:
    cookie = [] if secret is None else [("cookie", f"{COOKIE}={secret}")]
    return [*([] if host is None else [("host", host)]), *cookie]


def _scope(kind: str, path: str, headers: Headers, **more: str) -> Message:
    raw, _, query = path.partition("?")
    scheme = "ws" if kind == "websocket" else "http"
    return {
        "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": scheme, "path": unquote(raw),
        "raw_path": raw.encode(), "query_string": query.encode(), "root_path": "", "subprotocols": [], "state": {},
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("203.0.113.9", 50_000), "server": ("127.0.0.1", 8501), **more,
    }  # fmt: skip


def _told_once(*messages: Message) -> Callable[[], Awaitable[Message]]:
    """Gives these messages, and then waits for ever, as a browser does that waits for its answer."""
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


def _run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(work(), LIMIT_S)

    asyncio.run(limited())
