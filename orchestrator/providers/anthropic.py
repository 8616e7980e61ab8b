"""Anthropic's Messages API, streamed, with structured output and a cached system prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from orchestrator.providers.counts import Counts, mapping
from orchestrator.providers.failures import ErrorEvent
from orchestrator.providers.provider import (
    Ending,
    ModelRequest,
    ReplyEvent,
    Usage,
    named_tier,
    refused,
    stopped_otherwise,
    truncated,
)
from orchestrator.providers.sdk import SdkProvider
from orchestrator.providers.server_sent_events import ServerSentEvent

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_ENDINGS = {
    "end_turn": Ending,
    "stop_sequence": Ending,
    "max_tokens": truncated,
    "model_context_window_exceeded": truncated,
    "refusal": refused,
}

PUBLIC_URL = "https://api.anthropic.com"
# Unlike our input count, Anthropic's input_tokens exclude the cached parts.
_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
_WRITTEN_1H = "ephemeral_1h_input_tokens"
_EVENTS = frozenset(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
)


class _ReplyState:
    """The state of one reply after the events so far.

    Any field of an event may be missing or malformed: only an error, text, an ending and usage matter.
    """

    def __init__(self) -> None:
        self.begun = self.complete = False
        self._counts, self._written = Counts(), Counts()
        self._stop_reason: str | None = None
        self._service_tier: str | None = None

    @property
    def ended(self) -> bool:
        """See `stream.ReplyState`."""
        return self.complete

    def read(self, event: ServerSentEvent) -> Iterator[ReplyEvent]:
        """See `stream.ReplyState.read`."""
        told = mapping(event.json())
        kind = told.get("type") or event.name
        if kind == "error" or told.get("error"):
            raise ErrorEvent(told.get("error"))
        if kind not in _EVENTS or not told:
            return
        self.begun = True
        delta = mapping(told.get("delta"))
        yield from self._text(mapping(told.get("content_block")) or delta)
        reason = delta.get("stop_reason")
        self._stop_reason = reason if isinstance(reason, str) and reason else self._stop_reason
        usage = told.get("usage") or mapping(told.get("message")).get("usage")
        if isinstance(usage, dict):
            yield self._usage(usage)
        if kind == "message_stop":
            self.complete = True
            yield _ENDINGS.get(self._stop_reason or "", stopped_otherwise)()

    def _text(self, block: dict[str, Any]) -> Iterator[str]:
        if isinstance(text := block.get("text"), str) and text:
            yield text

    def _usage(self, told: dict[str, Any]) -> Usage:
        self._counts.take(told, *_COUNTS)
        self._written.take(told.get("cache_creation"), _WRITTEN_1H)
        self._service_tier = named_tier(told.get("service_tier")) or self._service_tier
        fresh, cached, written, output = (self._counts.get(name) for name in _COUNTS)
        return Usage(
            input=None if fresh is None else fresh + (cached or 0) + (written or 0),
            cached_input=cached or 0,
            cache_write_input=written or 0,
            cache_write_1h_input=min(self._written.get(_WRITTEN_1H) or 0, written or 0),
            output=output,
            final=self._stop_reason is not None,
            service_tier=self._service_tier,
        )


class Anthropic(SdkProvider["AsyncAnthropic"]):
    """The provider behind the Claude models."""

    def _client(self, **options: Any) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic

        # Without a base URL the SDK reads the environment, and takes a blank value there for a URL.
        return AsyncAnthropic(base_url=self._base_url or PUBLIC_URL, **options)

    def _response(self, client: AsyncAnthropic, request: ModelRequest) -> Any:
        return client.messages.with_streaming_response.create(
            model=request.model.api_model,
            max_tokens=request.model.max_output_tokens,
            system=[{"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}],
            messages=[{"role": "user", "content": request.user}],
            output_config={"format": {"type": "json_schema", "schema": request.schema}},
            stream=True,
            timeout=request.sdk_limit_s,
            extra_headers=dict(request.headers),
        )

    def _state(self) -> _ReplyState:
        return _ReplyState()
