"""Anthropic's Messages, streamed, with structured output and a cached system prompt."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.providers import failures
from orchestrator.providers.http import http_client
from orchestrator.providers.provider import (
    Ending,
    ModelRequest,
    ReplyEvent,
    Usage,
    refused,
    stopped_otherwise,
    truncated,
)
from orchestrator.providers.sdk import LazyClient
from orchestrator.tokens import Tokens

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_ENDINGS = {
    "end_turn": Ending,
    "stop_sequence": Ending,
    "max_tokens": truncated,
    "model_context_window_exceeded": truncated,
    "refusal": refused,
}


_DRAIN_S = 0.1
_PUBLIC_ADDRESS = "https://api.anthropic.com"


class _Wire(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Usage(_Wire):
    """Cumulative counts; here `input_tokens` leaves the cached parts out, unlike ours."""

    input_tokens: int | None = Field(default=None, ge=0)
    cache_read_input_tokens: int | None = Field(default=None, ge=0)
    cache_creation_input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)

    def updated(self, later: _Usage) -> _Usage:
        return self.model_copy(update=later.model_dump(exclude_none=True))

    def tokens(self) -> Tokens:
        cached, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        return Tokens((self.input_tokens or 0) + cached + written, cached, written, self.output_tokens or 0)


class _Message(_Wire):
    usage: _Usage


class _Delta(_Wire):
    text: str | None = None
    stop_reason: str | None = None


class _Event(_Wire):
    type: str
    message: _Message | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None


class _Progress:
    """What the events of one reply have said so far."""

    def __init__(self) -> None:
        self.complete = False
        self._usage = _Usage()
        self._stop_reason: str | None = None

    def read(self, event: _Event) -> Iterator[ReplyEvent]:
        if event.type == "message_start" and event.message:
            self._usage = event.message.usage
            yield Usage(self._usage.tokens(), final=False)
        elif event.type == "content_block_delta" and event.delta and event.delta.text:
            yield event.delta.text
        elif event.type == "message_delta":
            self._stop_reason = (event.delta and event.delta.stop_reason) or self._stop_reason
            if event.usage:
                self._usage = self._usage.updated(event.usage)
                yield Usage(self._usage.tokens(), final=self._stop_reason is not None)
        elif event.type == "message_stop":
            self.complete = True
            yield _ENDINGS.get(self._stop_reason or "", stopped_otherwise)()


async def _drained(events: AsyncIterator[Any]) -> None:
    """Read what is left for a moment, so that the connection can be used again; a complete reply waits no longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in events:
                pass


class Anthropic:
    """The provider behind the Claude models."""

    def __init__(
        self, api_key: str, *, base_url: str | None = None, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._transport = transport
        self._sdk = LazyClient(self._made)

    def warm(self) -> None:
        """See `Provider.warm`."""
        self._sdk.ready()

    async def stream(self, request: ModelRequest) -> AsyncIterator[ReplyEvent]:
        """See `Provider.stream`."""
        answered, progress = False, _Progress()
        try:
            async with await self._send(request) as events:
                answered = True
                async for raw in events:
                    for event in progress.read(_Event.model_validate(raw)):
                        yield event
                    if progress.complete:
                        await _drained(events)
                        break
        except Exception as error:  # an SDK may raise anything on a foreign body; each becomes a named reason
            raise failures.failure(error, answered=answered, key=self._api_key) from error
        if not progress.complete:
            raise failures.cut_stream()

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._sdk.aclose()

    async def _send(self, request: ModelRequest) -> Any:
        return await self._sdk.ready().messages.create(
            model=request.model.api_model,
            max_tokens=request.model.max_output_tokens,
            system=[{"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}],
            messages=[{"role": "user", "content": request.user}],
            output_config={"format": {"type": "json_schema", "schema": request.schema}},
            stream=True,
            timeout=request.sdk_limit_s,
            extra_headers=dict(request.headers),
        )

    def _made(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic

        return AsyncAnthropic(
            api_key=self._api_key,
            # Without one the SDK asks the environment, and takes a blank there for an address.
            base_url=self._base_url or _PUBLIC_ADDRESS,
            max_retries=0,
            http_client=http_client(self._transport),
        )
