"""OpenAI's Chat Completions, streamed, with strict structured output."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
from orchestrator.schema import NAME
from orchestrator.tokens import Tokens

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_ENDINGS = {"stop": Ending, "length": truncated, "content_filter": refused}
_PUBLIC_ADDRESS = "https://api.openai.com/v1"


class _Wire(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Delta(_Wire):
    content: str | None = None
    refusal: str | None = None


class _Choice(_Wire):
    delta: _Delta = Field(default_factory=_Delta)
    finish_reason: str | None = None


class _PromptDetails(_Wire):
    cached_tokens: int | None = Field(default=None, ge=0)
    cache_write_tokens: int | None = Field(default=None, ge=0)


class _Usage(_Wire):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    prompt_tokens_details: _PromptDetails | None = None

    def tokens(self) -> Tokens:
        details = self.prompt_tokens_details or _PromptDetails()
        cached = min(details.cached_tokens or 0, self.prompt_tokens)
        written = min(details.cache_write_tokens or 0, self.prompt_tokens - cached)
        return Tokens(self.prompt_tokens, cached, written, self.completion_tokens)


class _Chunk(_Wire):
    choices: list[_Choice] = Field(default_factory=list)
    usage: _Usage | None = None


class OpenAI:
    """The provider behind the gpt models."""

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
        answered, ended, declined = False, False, False
        try:
            async with await self._send(request) as chunks:
                answered = True
                async for raw in chunks:
                    chunk = _Chunk.model_validate(raw)
                    for choice in chunk.choices[:1]:
                        declined = declined or bool(choice.delta.refusal)
                        if choice.delta.content:
                            yield choice.delta.content
                        if choice.finish_reason:
                            ended = True
                            yield (refused() if declined else _ENDINGS.get(choice.finish_reason, stopped_otherwise)())
                    if chunk.usage:
                        # Some servers tell it with every chunk, as far as they have come.
                        yield Usage(chunk.usage.tokens(), final=ended or not chunk.choices)
        except Exception as error:  # an SDK may raise anything on a foreign body; each becomes a named reason
            raise failures.failure(error, answered=answered, key=self._api_key) from error
        if not ended:
            raise failures.cut_stream()

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._sdk.aclose()

    async def _send(self, request: ModelRequest) -> Any:
        model = request.model
        options: dict[str, Any] = {}
        if model.temperature is not None:
            options["temperature"] = model.temperature
        if model.reasoning_effort is not None:
            options["reasoning_effort"] = model.reasoning_effort
        return await self._sdk.ready().chat.completions.create(
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

    def _made(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=self._api_key,
            # Without one the SDK asks the environment, and takes a blank there for an address.
            base_url=self._base_url or _PUBLIC_ADDRESS,
            max_retries=0,
            http_client=http_client(self._transport),
        )
