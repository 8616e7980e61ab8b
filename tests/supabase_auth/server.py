"""The server: its endpoints, the check of the API key, and the ways in which it can be in trouble."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.supabase_auth import account, factors, flows, links, tokens
from tests.supabase_auth.dashboard import Dashboard
from tests.supabase_auth.project import Project
from tests.supabase_auth.signing import Signing
from tests.supabase_auth.users import User
from tests.supabase_auth.wire import Call, Refusal

Trouble = Literal["bad gateway", "paused"]

_TROUBLES: dict[Trouble, tuple[int, str]] = {
    "bad gateway": (502, "<html><head><title>502 Bad Gateway</title></head><body>Bad gateway</body></html>"),
    "paused": (540, "<html><head><title>Project paused</title></head><body>Project paused</body></html>"),
}


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An address below /auth/v1; those that a browser visits or that are public need no API key."""

    name: str
    method: str
    path: str
    answer: Callable[[Project, Call], Response]
    needs_key: bool = True


def _health(project: Project, call: Call) -> Response:
    description = "GoTrue is a user registration and authentication API"
    return JSONResponse({"version": "v2.0.0-stand-in", "name": "GoTrue", "description": description})


def _jwks(project: Project, call: Call) -> Response:
    return JSONResponse(project.signing.jwks(), headers={"Cache-Control": "public, max-age=600"})


_ENDPOINTS = (
    _Endpoint("health", "GET", "/health", _health, needs_key=False),
    _Endpoint("jwks", "GET", "/.well-known/jwks.json", _jwks, needs_key=False),
    _Endpoint("token", "POST", "/token", tokens.token),
    _Endpoint("authorize", "GET", "/authorize", flows.authorize, needs_key=False),
    _Endpoint("callback", "GET", "/callback", flows.callback, needs_key=False),
    _Endpoint("sso", "POST", "/sso", flows.sso),
    _Endpoint("identity provider", "GET", "/identity-provider", flows.identity_provider, needs_key=False),
    _Endpoint("user", "GET", "/user", account.read_user),
    _Endpoint("change user", "PUT", "/user", account.change_user),
    _Endpoint("logout", "POST", "/logout", account.sign_out),
    _Endpoint("recover", "POST", "/recover", links.recover),
    _Endpoint("follow link", "GET", "/verify", links.follow, needs_key=False),
    _Endpoint("verify", "POST", "/verify", links.verify, needs_key=False),
    _Endpoint("enroll", "POST", "/factors", factors.enroll),
    _Endpoint("challenge", "POST", "/factors/{factor_id}/challenge", factors.challenge),
    _Endpoint("verify factor", "POST", "/factors/{factor_id}/verify", factors.verify_factor),
    _Endpoint("remove factor", "DELETE", "/factors/{factor_id}", factors.remove),
)


class AuthServer(Dashboard):
    """Supabase Auth of one project; serve `app`, or put `routes` into an application of your own.

    Attributes:
        calls: how often each endpoint was called, refused calls included; `token` has its grant type behind a slash.
        delay_s: how long each answer takes.
        trouble: what every request meets instead of an answer.
    """

    def __init__(
        self, *, api_keys: Collection[str], signing: Signing, on_user: Callable[[User], None] | None = None
    ) -> None:
        super().__init__(api_keys=api_keys, signing=signing, on_user=on_user)
        self.calls: Counter[str] = Counter()
        self.delay_s = 0.0
        self.trouble: Trouble | None = None

    @property
    def routes(self) -> list[Route]:
        """The endpoints below /auth/v1."""
        return [
            Route(f"/auth/v1{endpoint.path}", self._responder(endpoint), methods=[endpoint.method])
            for endpoint in _ENDPOINTS
        ]

    @property
    def app(self) -> Starlette:
        """An application that consists of these endpoints."""
        return Starlette(routes=self.routes)

    def _responder(self, endpoint: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            if request.method != endpoint.method:  # Starlette answers HEAD like GET, which would use up a link
                return Response("Method Not Allowed", 405)
            self._count(endpoint, request)
            await asyncio.sleep(self.delay_s)
            if self.trouble:
                status, page = _TROUBLES[self.trouble]
                return HTMLResponse(page, status)
            if endpoint.needs_key and request.headers.get("apikey") not in self.api_keys:
                return JSONResponse({"message": "Invalid API key"}, 401)
            return self._answer(endpoint, await self._call(request))

        return respond

    def _answer(self, endpoint: _Endpoint, call: Call) -> Response:
        # Nothing is awaited while the lock is held, so every call is one step, whatever thread serves it.
        try:
            with self.lock:
                return endpoint.answer(self, call)
        except Refusal as refusal:
            return refusal.answer(call)

    def _count(self, endpoint: _Endpoint, request: Request) -> None:
        grant = request.query_params.get("grant_type", "")
        with self.lock:
            self.calls[f"{endpoint.name}/{grant}" if endpoint.name == "token" else endpoint.name] += 1

    async def _call(self, request: Request) -> Call:
        return Call(
            url=self.url or f"{request.url.scheme}://{request.url.netloc}",
            query=request.query_params,
            path=request.path_params,
            headers=request.headers,
            address=request.client.host if request.client else "",
            body=await request.body(),
        )
