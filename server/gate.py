"""The gate: without a session nobody reaches a page, a file or a WebSocket, whatever the pages themselves check.

The sign-in pages and the health checks are open; the API has its own check, because programs bring tokens. The gate
closes a WebSocket within half a minute after its session has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from orchestrator import OrchestratorError
from server.door import App, Receive, Scope, Send, refuse
from server.site import Site, session_cookie
from store import NotSignedIn, StoreError
from store.people import ROLES

log = logging.getLogger(__name__)

_OPEN = frozenset({"/sign-in", "/sign-out", "/auth/callback", "/auth/reset", "/auth/accept", "/_stcore/health"})
_OPEN_BELOW = re.compile(r"/api/.+|/sign-in/[^/]+")
_NOT_PAGES = ("/_stcore", "/media", "/static", "/component", "/metrics", "/app")
_LOOK_EVERY_S = 15.0
_SIGN_IN_FIRST = "Sign in first."
OWN_SIGN_IN = "The console can't sign in to its own project. Its log says why; tell whoever runs it."
"""What visitors are told when the orchestrator's own user is refused."""
_POLICY_VIOLATION = 1008


class Gate:
    """Lets people in who are signed in and have a role; sends everybody else to the sign-in page."""

    def __init__(self, app: App, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        if scope["type"] not in ("http", "websocket") or self._is_open(scope):
            await self._app(scope, receive, send)
            return
        secret = session_cookie(scope)
        try:
            admitted = await self._admits(secret)
        except NotSignedIn as error:
            # Whose sign-in failed, the orchestrator's own, is not for visitors to know.
            log.warning("%s", error)
            await self._turn_away(scope, receive, send, PlainTextResponse(OWN_SIGN_IN, 503))
            return
        except (OrchestratorError, StoreError) as error:
            await self._turn_away(scope, receive, send, PlainTextResponse(str(error), 503))
            return
        if not admitted:
            await self._turn_away(scope, receive, send, self._refusal(scope))
        elif scope["type"] == "websocket":
            await self._watched(scope, receive, send, secret)
        else:
            await self._app(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        """Whether a request is for one of our own routes, which look after themselves; no WebSocket is."""
        path = self._site.path_of(scope)
        return scope["type"] == "http" and (path in _OPEN or bool(_OPEN_BELOW.fullmatch(path)))

    async def _admits(self, secret: str | None) -> bool:
        visitor = await run_in_threadpool(self._site.visitor, secret)
        # The orchestrator's own user has no business on the screen.
        return visitor is not None and visitor.role in ROLES

    def _refusal(self, scope: Scope) -> Response:
        path = self._site.path_of(scope)
        if any(path == folder or path.startswith(f"{folder}/") for folder in _NOT_PAGES):
            return PlainTextResponse(_SIGN_IN_FIRST, 403)
        query = scope.get("query_string", b"").decode("latin-1")
        asked = f"{path}?{query}" if query else path
        return RedirectResponse(f"{self._site.base}/sign-in?next={quote(asked, safe='')}", 303)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send, response: Response) -> None:
        if scope["type"] == "websocket":
            await refuse(scope, receive, send, _SIGN_IN_FIRST)
            return
        response.headers["cache-control"] = "no-store"
        await response(scope, receive, send)

    async def _watched(self, scope: Scope, receive: Receive, send: Send, secret: str | None) -> None:
        """Serve a WebSocket until it or its session ends."""
        serving = asyncio.ensure_future(self._app(scope, receive, send))
        try:
            while not serving.done():
                await asyncio.wait([serving], timeout=_LOOK_EVERY_S)
                if not serving.done() and not await self._still_admits(secret):
                    closing: MutableMapping[str, Any] = {"type": "websocket.close", "code": _POLICY_VIOLATION}
                    with contextlib.suppress(RuntimeError, OSError):  # closed by the browser at this moment
                        await send(closing)
                    return
            await serving
        finally:
            serving.cancel()

    async def _still_admits(self, secret: str | None) -> bool:
        try:
            return await self._admits(secret)
        except (OrchestratorError, StoreError) as error:
            # Without a database there is nothing to see; the page says so itself.
            log.warning("A session could not be checked: %s", error)
            return True
