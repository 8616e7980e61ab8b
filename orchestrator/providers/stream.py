"""Turns a provider's raw response into the events of a reply, in the same way for every provider.

The SDKs send the request and raise its errors. The stream is parsed here, with one JSON parse per event: the SDKs' own
parsers build an object for every chunk, and discard a whole answer because of one odd chunk.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from orchestrator.providers import failures
from orchestrator.providers.counts import mapping
from orchestrator.providers.provider import ReplyEvent
from orchestrator.providers.server_sent_events import EventReader, ServerSentEvent

_DRAIN_S = 0.1
_MAX_JSON_BYTES = 64_000


class Response(Protocol):
    """The common interface of both SDKs' raw responses."""

    @property
    def headers(self) -> Any:
        """The HTTP headers."""

    def iter_bytes(self) -> AsyncGenerator[bytes]:
        """The body as it arrives, decompressed."""


class ReplyState(Protocol):
    """The state of one reply after the events so far, by the rules of one provider's protocol."""

    @property
    def begun(self) -> bool:
        """Whether a protocol event other than an error has arrived: from then on, tokens may be billed."""

    @property
    def ended(self) -> bool:
        """Whether the provider has sent the stop reason."""

    @property
    def complete(self) -> bool:
        """Whether the provider has marked the stream as finished."""

    def read(self, event: ServerSentEvent) -> Iterator[ReplyEvent]:
        """The reply events in a server-sent event; none if it is of no interest.

        Raises:
            ErrorEvent: the event is an error.
        """


async def reply_events(
    send: Callable[[], AbstractAsyncContextManager[Response]], progress: ReplyState, key: str
) -> AsyncGenerator[ReplyEvent]:
    """Send a request and yield its reply as it arrives.

    Args:
        send: creates the response, which sends the request when entered.
        key: the API key, which must never be revealed.

    Raises:
        ProviderError: for anything that goes wrong.
    """
    try:
        async with send() as answer, contextlib.aclosing(_events(answer)) as events:
            async for event in events:
                for told in progress.read(event):
                    yield told
                if progress.complete:
                    await _drained(events)
                    break
    except Exception as error:  # an SDK may raise anything on an unexpected body; each becomes a fallback reason
        raise failures.failure(error, answered=progress.begun, key=key) from error
    if not progress.ended:
        raise failures.cut_stream(answered=progress.begun)


async def _events(response: Response) -> AsyncGenerator[ServerSentEvent]:
    if str(response.headers.get("content-type", "")).startswith("application/json"):
        answer = ServerSentEvent("", await _beginning(response))
        if mapping(answer.json()).get("error"):
            yield answer
        return
    reader = EventReader()
    async with contextlib.aclosing(response.iter_bytes()) as chunks:
        async for chunk in chunks:
            for event in reader.feed(chunk):
                yield event
    for event in reader.close():
        yield event


async def _beginning(response: Response) -> str:
    """The beginning of a body that is not a stream, long enough to contain an error."""
    body = bytearray()
    async with contextlib.aclosing(response.iter_bytes()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _MAX_JSON_BYTES:
                break
    return body.decode("utf-8", "replace")


async def _drained(events: AsyncIterator[ServerSentEvent]) -> None:
    """Read the rest of the stream, but only briefly: it frees the connection for reuse, and the reply is complete."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in events:
                pass
