"""The HTTP client under both SDKs: one request where one was asked for, and a bounded amount of any answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx2

# A reply of 16,000 tokens takes about 4 MB as a stream of events; beyond this somebody sends without end.
MAX_RESPONSE_BYTES = 32_000_000
# An event has two or three lines. The SDKs join the lines of one event anew with each line.
MAX_EVENT_LINES = 1_000
# An error is told by its status; its body only adds a code.
_MAX_ERROR_BYTES = 64_000
_ERROR_BODY_LIMIT_S = 0.25


def http_client(transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """A client for one SDK.

    It follows no redirection, which would be a second request and could carry a key elsewhere, and asks for
    uncompressed replies, so that a bound on bytes bounds memory too.

    Args:
        transport: the simulator's; by default the network, through the proxies that the environment names.
    """
    return httpx2.AsyncClient(
        transport=transport,
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
        event_hooks={"response": [_bound]},
    )


async def _bound(response: httpx2.Response) -> None:
    stream = response.stream
    if not isinstance(stream, httpx2.AsyncByteStream):
        return
    response.stream = await _error_body(stream) if response.is_error else _BoundedStream(stream)


async def _error_body(stream: httpx2.AsyncByteStream) -> httpx2.AsyncByteStream:
    """What of an error's body arrives soon: the SDKs read it whole before they look at the status."""
    body = b""
    with contextlib.suppress(httpx2.TransportError, TimeoutError):
        async with asyncio.timeout(_ERROR_BODY_LIMIT_S):
            async for chunk in stream:
                body += chunk
                if len(body) > _MAX_ERROR_BYTES:
                    break
    await stream.aclose()
    return httpx2.ByteStream(body)


class _BoundedStream(httpx2.AsyncByteStream):
    """Another stream that ends in an error past what any reply can be."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream
        self._bytes = 0
        self._lines = 0
        self._tail = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._bytes += len(chunk)
            self._count_lines(chunk)
            if self._bytes > MAX_RESPONSE_BYTES or self._lines > MAX_EVENT_LINES:
                raise httpx2.RemoteProtocolError("The response is longer than any reply can be.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _count_lines(self, chunk: bytes) -> None:
        """Count the lines since the last blank one; a line break may lie across two chunks."""
        text = self._tail + chunk
        self._tail = text[-1:] if text[-1:] in (b"\r", b"\n") else b""
        lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        _, blank, after = lines.rpartition(b"\n\n")
        self._lines = after.count(b"\n") if blank else self._lines + lines.count(b"\n")
