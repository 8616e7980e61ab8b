"""What is in front of PostgREST in a hosted project: its URL, its API keys, and Supabase Auth or a stub of it."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import httpx
import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from store import clock
from store.identity import PasswordLogin
from tests.supabase_auth import AuthServer

API_KEY = "sb_publishable_key-of-the-test-project"
JWT_SECRET = "the test project signs its tokens with this sentence"
_ANONYMOUS = {"iss": "supabase", "ref": "testproject", "role": "anon", "iat": 1_767_225_600, "exp": 2_082_758_400}
LEGACY_KEY = jwt.encode(_ANONYMOUS, JWT_SECRET, "HS256")
"""The key `anon` of a project from before publishable keys: a token for the anonymous role, good until 2036."""
API_KEYS = (API_KEY, LEGACY_KEY)
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the test project.

    Attributes:
        role: role in the console.
        token_lifetimes_s: how long each successive token is valid; the last value applies to all that follow.
        announced_s: the lifetime of a token according to Auth.
        secret: what the tokens are signed with; with any secret but the project's they are forgeries.
        token: sent in place of a real token.
    """

    email: str
    role: str | None = None
    token_lifetimes_s: tuple[int, ...] = (_HOUR_S,)
    announced_s: int = _HOUR_S
    secret: str = JWT_SECRET
    token: str | None = None

    def __str__(self) -> str:
        return self.email

    @property
    def user_id(self) -> str:
        """The id in `auth.users`."""
        return str(uuid5(NAMESPACE_URL, self.email))

    @property
    def login(self) -> PasswordLogin:
        """This person's credentials."""
        return PasswordLogin(self.email, f"pässword of {self.email}")

    def new_token(self, number: int = 0) -> str:
        """The token that this person gets at the sign-in of that number."""
        lifetime_s = self.token_lifetimes_s[min(number, len(self.token_lifetimes_s) - 1)]
        claims = {
            "sub": self.user_id,
            "role": "authenticated",
            "aud": "authenticated",
            "email": self.email,
            "exp": clock.system() + timedelta(seconds=lifetime_s),
        }
        return self.token or jwt.encode(claims, self.secret, algorithm="HS256")

    def as_user(self) -> dict[str, object]:
        """This person as Auth describes a user."""
        since = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
        return {
            "id": self.user_id,
            "aud": "authenticated",
            "role": "authenticated",
            "email": self.email,
            "app_metadata": {},
            "user_metadata": {},
            "created_at": since,
        }


class Gateway:
    """The application; `sign_ins` counts how often each user signed in at the stub.

    Args:
        auth: takes the place of the stub; it has its own users, and checks the API key by itself.
    """

    def __init__(self, postgrest_url: str, people: Sequence[Person] = (), *, auth: AuthServer | None = None) -> None:
        self.sign_ins: Counter[str] = Counter()
        self._people = {person.email: person for person in people}
        self._auth = auth
        self._client = httpx.AsyncClient(base_url=postgrest_url, trust_env=False)
        self.app = Starlette(
            routes=[
                *(auth.routes if auth else self._stub()),
                Route("/rest/v1/{path:path}", self._forward, methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
            ],
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=self._check_key)],
            lifespan=self._lifespan,
        )

    def _stub(self) -> list[Route]:
        return [
            Route("/auth/v1/token", self._sign_in, methods=["POST"]),
            Route("/auth/v1/user", self._user),
            Route("/auth/v1/logout", self._sign_out, methods=["POST"]),
        ]

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield

    async def _check_key(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        auths_own = self._auth is not None and request.url.path.startswith("/auth/v1/")
        if auths_own or request.headers.get("apikey") in API_KEYS:
            return await call_next(request)
        return JSONResponse({"message": "Invalid API key"}, 401)

    async def _sign_in(self, request: Request) -> Response:
        given = await request.json()
        person = self._people.get(given["email"])
        if request.query_params.get("grant_type") != "password" or not person:
            return _refusal(400, "invalid_credentials", "Invalid login credentials")
        if given["password"] != person.login.password:
            return _refusal(400, "invalid_credentials", "Invalid login credentials")
        token = person.new_token(self.sign_ins[person.email])
        self.sign_ins[person.email] += 1
        return JSONResponse(
            {
                "access_token": token,
                "token_type": "bearer",
                "expires_in": person.announced_s,
                "refresh_token": "refresh",
                "user": person.as_user(),
            }
        )

    async def _user(self, request: Request) -> Response:
        try:
            claims = jwt.decode(_token(request), JWT_SECRET, algorithms=["HS256"], audience="authenticated")
        except jwt.InvalidTokenError:
            return _refusal(403, "bad_jwt", "invalid JWT")
        return JSONResponse(self._people[claims["email"]].as_user())

    async def _sign_out(self, request: Request) -> Response:
        return Response(status_code=204)

    async def _forward(self, request: Request) -> Response:
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name not in ("host", "apikey", "connection", "content-length", "accept-encoding")
            # A key alone stands for an anonymous user.
            and not (name == "authorization" and _token(request) in API_KEYS)
        ]
        path = request.scope["raw_path"].decode().removeprefix("/rest/v1")
        answer = await self._client.request(
            request.method, f"{path}?{request.url.query}", headers=headers, content=await request.body()
        )
        return Response(
            answer.content, answer.status_code, {"content-type": answer.headers.get("content-type", "text/plain")}
        )


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The URL of an application, served by a thread on a free port."""
    # asyncio turns Nagle's algorithm off only if the protocol is named; otherwise every answer takes 40 ms longer.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)  # from here on a request waits instead of being refused
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": status, "error_code": code, "msg": message}, status)
