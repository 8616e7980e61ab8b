"""The HTTP side of both SDKs: a client that reads a bounded amount of any one response."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

# A reply of 16,000 tokens takes about 4 MB as a stream of events; beyond this somebody sends without end.
MAX_RESPONSE_BYTES = 32_000_000


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_RESPONSE_BYTES
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise httpx2.RemoteProtocolError("The response is longer than any reply can be.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Another transport whose responses end in an error past MAX_RESPONSE_BYTES."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The wrapped transport's response with its stream bounded."""
        response = await self._transport.handle_async_request(request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _BoundedStream(response.stream)
        return response

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._transport.aclose()


def http_client(transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """A client for one SDK. It asks for uncompressed replies, so that a bound on bytes bounds memory too.

    Args:
        transport: the simulator's; by default the network.
    """
    limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
    return httpx2.AsyncClient(
        transport=BoundedTransport(transport or httpx2.AsyncHTTPTransport(limits=limits)),
        headers={"Accept-Encoding": "identity"},
        follow_redirects=True,
    )
