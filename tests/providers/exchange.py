"""One request to the model server, and the connection on which a behaviour answers it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.providers.wire_events import EVENT_STREAM, ProviderName

if TYPE_CHECKING:
    from tests.providers.server import ModelServer


@dataclass(frozen=True, slots=True)
class Received:
    """One request as received over the wire."""

    number: int
    provider: ProviderName
    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass
class Exchange:
    """One request and the connection on which to answer it, or not."""

    received: Received
    server: ModelServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes unchanged."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """A status line and headers; the body ends with the connection unless a header says otherwise."""
        lines = [f"HTTP/1.1 {status} Scripted", "connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or EVENT_STREAM).items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def chunk(self, data: bytes) -> None:
        """One chunk of a chunked body; the empty one ends it."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def abandoned(self) -> None:
        """Wait until the client closes the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass


Behaviour = Callable[[Exchange], Awaitable[None]]
