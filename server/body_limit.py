"""A limit on the size of requests to our own routes, enforced while they arrive."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from server.door import App, Receive, Scope, Send
from server.problem import problem
from server.site import Site

MOST_BYTES = 4 * 2**20
"""Enough for a batch of 1,000 events or the longest description."""

_OURS = ("/api", "/sign-in", "/sign-out", "/auth")
_TOO_LARGE = 413


class _TooLarge(Exception):
    """More arrived than is accepted."""


class BodyLimit:
    """Answers 413 to requests with a larger body, without reading the rest."""

    def __init__(self, app: App, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = self._site.path_of(scope) if scope["type"] == "http" else ""
        if not any(path == door or path.startswith(f"{door}/") for door in _OURS):
            await self._app(scope, receive, send)
            return
        arrived, begun = 0, False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > MOST_BYTES:
                raise _TooLarge
            return message

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if _announced(scope) > MOST_BYTES:
                raise _TooLarge
            await self._app(scope, counted, noted)
        except _TooLarge:
            if begun:
                raise
            sentence = f"The request is larger than {MOST_BYTES // 2**20} MB."
            await problem(_TOO_LARGE, "request_too_large", sentence)(scope, receive, send)


def _announced(scope: Scope) -> int:
    """The announced length; 0 if there is none, or it is no number."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
