"""The HTTP client under both SDKs: sends exactly one request per call, and bounds the size of error bodies."""

from __future__ import annotations

import asyncio
import contextlib

import httpx2

from orchestrator.errors import InvalidEnvironment
from store import network

# An error is identified by its status; its body only adds a code.
_MAX_ERROR_BYTES = 64_000
_ERROR_BODY_LIMIT_S = 0.25
_MISTAKES: tuple[type[Exception], ...] = (*network.MISTAKES, httpx2.InvalidURL)


def http_client(transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """A client for one SDK.

    It follows no redirects, which would be a second request and could send the key elsewhere, and requests
    uncompressed replies, whose every byte is visible at once.

    Args:
        transport: the simulator's; by default the network, through the proxies from the environment.
    """
    return httpx2.AsyncClient(
        transport=transport,
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
        event_hooks={"response": [_bound]},
    )


def check_network() -> None:
    """Create a client once, so that unusable proxies or certificates count as configuration errors, not the model's.

    Raises:
        InvalidEnvironment: they are unusable; the message names the variables.
    """
    try:
        http_client()
    except _MISTAKES as error:
        raise InvalidEnvironment(network.complaint(error)) from None


async def _bound(response: httpx2.Response) -> None:
    if response.is_error and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = await _error_body(response.stream)


async def _error_body(stream: httpx2.AsyncByteStream) -> httpx2.AsyncByteStream:
    """The part of an error's body that arrives soon: the SDKs read the whole body before they check the status."""
    body = b""
    with contextlib.suppress(httpx2.TransportError, TimeoutError):
        async with asyncio.timeout(_ERROR_BODY_LIMIT_S):
            async for chunk in stream:
                body += chunk
                if len(body) > _MAX_ERROR_BYTES:
                    break
    await stream.aclose()
    return httpx2.ByteStream(body)
