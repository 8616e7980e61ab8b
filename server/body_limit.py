"""A limit on the size of requests to our own routes, enforced while they arrive."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from server.door import App, Receive, Scope, Send
from server.problem import problem
from server.site import Site

MOST_BYTES = {"/api": 4 * 2**20, "/sign-in": 2**16, "/sign-out": 2**16, "/auth": 2**16}
"""By door: enough for a batch of 1,000 events or the longest description, and for what a form holds."""

_TOO_LARGE = 413

Message = MutableMapping[str, Any]


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
        most = next((most for door, most in MOST_BYTES.items() if path == door or path.startswith(f"{door}/")), None)
        if most is None:
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send, most)
        if _announced(scope) > most:
            exchange.too_large = True
        else:
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except _TooLarge:
                if exchange.begun:
                    raise
        if exchange.too_large and not exchange.begun:
            sentence = f"The request is larger than {most // 2**10:,} kB."
            await problem(_TOO_LARGE, "request_too_large", sentence)(scope, receive, send)


class _Exchange:
    """One request and its answer, counted.

    Attributes:
        too_large: whether more arrived than is accepted; the application's own answer to that is not sent.
        begun: whether an answer was begun before.
    """

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive = receive
        self._send = send
        self._arrived = 0
        self._most = most
        self.too_large = False
        self.begun = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._arrived += len(message.get("body", b""))
        if self._arrived > self._most:
            self.too_large = True
            raise _TooLarge
        return message

    async def send(self, message: Message) -> None:
        if self.too_large and not self.begun:
            return
        self.begun = True
        await self._send(message)


def _announced(scope: Scope) -> int:
    """The announced length; 0 if there is none, or it is no number."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
