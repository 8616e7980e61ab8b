"""From a provider's raw response to the events of a reply, in the same way for every provider.

The SDKs send the request and raise its errors. What streams in is read here, one JSON parse an event: the SDKs' own
reading builds an object for every chunk, and throws a whole answer away for one odd chunk.
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
    """What both SDKs' raw responses have in common."""

    @property
    def headers(self) -> Any:
        """The HTTP headers."""

    def iter_bytes(self) -> AsyncGenerator[bytes]:
        """The body as it arrives, decompressed."""


class Progress(Protocol):
    """What the events of one reply have said so far, read by the rules of one provider's protocol."""

    @property
    def begun(self) -> bool:
        """Whether anything of the protocol came that is no error: from then on tokens may be billed."""

    @property
    def ended(self) -> bool:
        """Whether the provider said why the reply ended."""

    @property
    def complete(self) -> bool:
        """Whether nothing more is to come."""

    def read(self, event: ServerSentEvent) -> Iterator[ReplyEvent]:
        """What an event says; nothing for one that says nothing of interest.

        Raises:
            ErrorEvent: the event is an error.
        """


async def reply_events(
    send: Callable[[], AbstractAsyncContextManager[Response]], progress: Progress, key: str
) -> AsyncGenerator[ReplyEvent]:
    """Send a request and yield its reply as it arrives.

    Args:
        send: makes the response, which sends the request when it is entered.
        key: the API key, which must never show.

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
    except Exception as error:  # an SDK may raise anything on a foreign body; each becomes a named reason
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
    """The body of an answer that is no stream, as far as it may be an error."""
    body = bytearray()
    async with contextlib.aclosing(response.iter_bytes()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _MAX_JSON_BYTES:
                break
    return body.decode("utf-8", "replace")


async def _drained(events: AsyncIterator[ServerSentEvent]) -> None:
    """Read what is left for a moment, so that the connection can be used again; a complete reply waits no longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in events:
                pass
