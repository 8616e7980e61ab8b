"""Compressed static files: Streamlit sends its 5 MB of scripts as they are.

Each file is compressed once per process, since its name changes with its content, and kept in memory.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import MutableMapping
from typing import Any

from server.door import App, Receive, Scope, Send

_LEVEL = 6
_LEAST_BYTES = 1_000
_MOST_KEPT_BYTES = 32 * 2**20
_TYPES = (b"javascript", b"css", b"svg", b"json", b"text/")

Message = MutableMapping[str, Any]
Answer = tuple[Message, bytes]
"""The first message of a response, and its whole body."""


class CompressedStatics:
    """Sends static files compressed to browsers that accept that; leaves everything else as it is."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._kept: dict[str, Answer] = {}
        self._kept_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not _is_static(scope):
            await self._app(scope, receive, send)
            return
        start, body = self._kept.get(scope["path"]) or await self._made(scope, receive)
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _made(self, scope: Scope, receive: Receive) -> Answer:
        start, body = await whole(self._app, scope, receive)
        headers = dict(start["headers"])
        if start["status"] != 200 or len(body) < _LEAST_BYTES or not _is_text(headers.get(b"content-type", b"")):
            return start, body
        body = await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
        headers |= {b"content-encoding": b"gzip", b"vary": b"Accept-Encoding", b"content-length": b"%d" % len(body)}
        # Ranges would be those of the file as it is on disk.
        headers.pop(b"accept-ranges", None)
        answer: Answer = {**start, "headers": list(headers.items())}, body
        if scope["path"] not in self._kept and self._kept_bytes + len(body) <= _MOST_KEPT_BYTES:
            self._kept_bytes += len(body)
            self._kept[scope["path"]] = answer
        return answer


def _is_static(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or "/static/" not in scope["path"]:
        return False
    headers = dict(scope["headers"])
    asks_for_part = b"range" in headers or b"if-none-match" in headers or b"if-modified-since" in headers
    return b"gzip" in headers.get(b"accept-encoding", b"") and not asks_for_part


def _is_text(content_type: bytes) -> bool:
    return any(kind in content_type for kind in _TYPES)


async def whole(app: App, scope: Scope, receive: Receive) -> Answer:
    """An application's response, waited for; without extensions that would send a file past this middleware."""
    messages: list[Message] = []

    async def collect(message: Message) -> None:
        messages.append(message)

    await app({**scope, "extensions": {}}, receive, collect)
    body = b"".join(message.get("body", b"") for message in messages if message["type"] == "http.response.body")
    return next(message for message in messages if message["type"] == "http.response.start"), body
