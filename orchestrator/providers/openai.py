"""OpenAI's Chat Completions API, streamed, with strict structured output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from orchestrator.providers.counts import Counts, count, mapping
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
from orchestrator.workflow.schema import NAME

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_ENDINGS = {"stop": Ending, "length": truncated, "content_filter": refused}
PUBLIC_URL = "https://api.openai.com/v1"


_DONE = "[DONE]"


class _ReplyState:
    """The state of one reply after the chunks so far.

    Any field of a chunk may be missing or malformed: only an error, text, an ending and usage matter.
    """

    def __init__(self) -> None:
        self.begun = self.ended = self.complete = False
        self._declined = False
        self._counts, self._details = Counts(), Counts()
        self._service_tier: str | None = None

    def read(self, event: ServerSentEvent) -> Iterator[ReplyEvent]:
        """See `stream.ReplyState.read`."""
        if event.data.startswith(_DONE):
            self.complete = True
            return
        chunk = mapping(event.json())
        if chunk.get("error") or event.name == "error":
            raise ErrorEvent(chunk.get("error") or chunk)
        self._service_tier = named_tier(chunk.get("service_tier")) or self._service_tier
        choices = chunk.get("choices")
        self.begun = self.begun or isinstance(choices, list)
        for position, choice in enumerate(choices if isinstance(choices, list) else []):
            index = count(mapping(choice).get("index"))
            # Further choices are other answers to the same question; the first one is ours.
            if (position if index is None else index) == 0:
                yield from self._choice(mapping(choice))
        if isinstance(chunk.get("usage"), dict):
            yield self._usage(chunk["usage"], alone=not choices)

    def _choice(self, choice: dict[str, Any]) -> Iterator[ReplyEvent]:
        delta = mapping(choice.get("delta"))
        self._declined = self._declined or bool(delta.get("refusal"))
        if text := _text(delta.get("content")):
            yield text
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason and not self.ended:
            self.ended = True
            yield refused() if self._declined else _ENDINGS.get(reason, stopped_otherwise)()

    def _usage(self, told: dict[str, Any], *, alone: bool) -> Usage:
        self._counts.take(told, "prompt_tokens", "completion_tokens")
        self._details.take(told.get("prompt_tokens_details"), "cached_tokens", "cache_write_tokens")
        read = self._counts.get("prompt_tokens")
        cached = min(self._details.get("cached_tokens") or 0, read or 0)
        written = min(self._details.get("cache_write_tokens") or 0, (read or 0) - cached)
        return Usage(
            input=read,
            cached_input=cached,
            cache_write_input=written,
            output=self._counts.get("completion_tokens"),
            # Some servers send the usage so far with every chunk.
            final=self.ended or alone,
            service_tier=self._service_tier,
        )


def _text(content: Any) -> str:
    """The text of a delta, which some servers send as a list of parts."""
    if isinstance(content, list):
        return "".join(_text(mapping(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


class OpenAI(SdkProvider["AsyncOpenAI"]):
    """The provider behind the GPT models."""

    def _client(self, **options: Any) -> AsyncOpenAI:
        from openai import AsyncOpenAI

        # Without a base URL the SDK reads the environment, and takes a blank value there for a URL.
        return AsyncOpenAI(base_url=self._base_url or PUBLIC_URL, **options)

    def _response(self, client: AsyncOpenAI, request: ModelRequest) -> Any:
        model = request.model
        options: dict[str, Any] = {}
        if model.temperature is not None:
            options["temperature"] = model.temperature
        if model.reasoning_effort is not None:
            options["reasoning_effort"] = model.reasoning_effort
        return client.chat.completions.with_streaming_response.create(
            model=model.api_model,
            messages=[
                {"role": "system", "content": request.system},
                {"role": "user", "content": request.user},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": NAME, "strict": True, "schema": request.schema},
            },
            max_completion_tokens=model.max_output_tokens,
            stream=True,
            stream_options={"include_usage": True},
            timeout=request.sdk_limit_s,
            extra_headers=dict(request.headers),
            **options,
        )

    def _state(self) -> _ReplyState:
        return _ReplyState()
