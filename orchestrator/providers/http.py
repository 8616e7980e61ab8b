"""The HTTP client under both SDKs: one request where one was asked for, and a bounded amount of any error."""

from __future__ import annotations

import asyncio
import contextlib

import httpx2

from orchestrator.errors import InvalidSettings
from store import network

# An error is told by its status; its body only adds a code.
_MAX_ERROR_BYTES = 64_000
_ERROR_BODY_LIMIT_S = 0.25
_MISTAKES: tuple[type[Exception], ...] = (*network.MISTAKES, httpx2.InvalidURL)


def http_client(transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """A client for one SDK.

    It follows no redirection, which would be a second request and could carry a key elsewhere, and asks for
    uncompressed replies, whose every byte shows at once.

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


def check_network() -> None:
    """Make a client once: proxies and certificates that cannot be used are the environment's fault, not a model's.

    Raises:
        InvalidSettings: they cannot; the sentence names the variables.
    """
    try:
        http_client()
    except _MISTAKES as error:
        raise InvalidSettings(network.complaint(error)) from None


async def _bound(response: httpx2.Response) -> None:
    if response.is_error and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = await _error_body(response.stream)


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
