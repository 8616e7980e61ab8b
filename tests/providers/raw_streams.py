"""Streams of both protocols, event by event, and what a generation reads from them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orchestrator.models import pricing
from orchestrator.models.catalogue import CATALOGUE
from orchestrator.models.tokens import Tokens
from orchestrator.providers import Ending, Usage
from orchestrator.providers.anthropic import _ReplyState as AnthropicState
from orchestrator.providers.openai import _ReplyState as OpenAIState
from orchestrator.providers.provider import ReplyEvent
from orchestrator.providers.stream import ReplyState, reply_events
from orchestrator.workflow.reply import CheckedReply, judge
from tests.conftest import NOW
from tests.providers.wire_events import WORKFLOW, ProviderName

TYPICAL = Decimal("0.0012"), Decimal("0.0285")
Events = list[bytes]
PARTS = [WORKFLOW[:9], WORKFLOW[9:60], WORKFLOW[60:]]


class Body:
    """A raw response that arrives in chunks of one size."""

    def __init__(self, body: bytes, size: int, content_type: str = "text/event-stream") -> None:
        self.headers = {"content-type": content_type}
        self._body, self._size = body, size

    async def __aenter__(self) -> Body:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), self._size):
            yield self._body[at : at + self._size]


@dataclass(frozen=True)
class Heard:
    """The result of a stream.

    Attributes:
        usd: at the list price; estimated: whether the tokens are.
    """

    verdict: CheckedReply
    tokens: Tokens
    usd: Decimal | None
    estimated: bool
    endings: int


def hear(provider: ProviderName, body: bytes, size: int = 1000) -> Heard:
    """Read a stream as a generation does."""
    progress: ReplyState = OpenAIState() if provider == "openai" else AnthropicState()

    async def listen() -> list[ReplyEvent]:
        return [event async for event in reply_events(lambda: Body(body, size), progress, "sk-test")]  # type: ignore[arg-type,return-value]  # has as much of a response as is read

    events = asyncio.run(listen())
    text = "".join(event for event in events if isinstance(event, str))
    usage = next((event for event in reversed(events) if isinstance(event, Usage)), Usage())
    tokens, estimated = usage.tokens(estimated_input=111, written=len(text) // 4)
    model = CATALOGUE["gpt-4o-mini" if provider == "openai" else "claude-sonnet-4-6"]
    usd = pricing.price(model, tokens, NOW, usage.service_tier)
    return Heard(judge(text, []), tokens, usd, estimated, sum(isinstance(event, Ending) for event in events))


def sse(data: Any, name: str | None = None) -> bytes:
    """One event."""
    return (f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(data)}\n\n".encode()


def choice(delta: Any, finish: Any = None, index: int = 0) -> dict[str, Any]:
    """One choice of a chunk."""
    return {"index": index, "delta": delta, "finish_reason": finish}


def chunk(*choices: dict[str, Any], **fields: Any) -> bytes:
    """One OpenAI chunk."""
    return sse({"id": "c", "object": "chat.completion.chunk", "choices": list(choices)} | fields)


USED = {"prompt_tokens": 2000, "completion_tokens": 1500, "prompt_tokens_details": {"cached_tokens": 0}}
FINISH, USAGE, DONE = chunk(choice({}, "stop")), chunk(usage=USED), b"data: [DONE]\n\n"
TEXTS = [chunk(choice({"content": part})) for part in PARTS]
OPENAI = [chunk(choice({"role": "assistant", "content": ""})), *TEXTS, FINISH, USAGE, DONE]


def started(**usage: Any) -> bytes:
    """Anthropic's first event."""
    return sse({"type": "message_start", "message": {"id": "m", "content": [], "usage": usage}}, "message_start")


def delta_of(text: str) -> bytes:
    """A piece of Anthropic's text."""
    delta = {"type": "text_delta", "text": text}
    return sse({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")


def block(text: str = "") -> bytes:
    """The start of a text block."""
    begun = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": text}}
    return sse(begun, "content_block_start")


def ending(**usage: Any) -> bytes:
    """Anthropic's stop reason with its usage."""
    told = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    return sse(told, "message_delta")


STOP = sse({"type": "message_stop"}, "message_stop")
ANTHROPIC = [
    started(input_tokens=2000, output_tokens=1),
    block(),
    *map(delta_of, PARTS),
    ending(output_tokens=1500),
    STOP,
]
