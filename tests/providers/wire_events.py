"""What both providers send: token counts, stream frames, a workflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

ProviderName = Literal["openai", "anthropic"]


Stop = Literal["complete", "truncated", "refused", "tool"]


EVENT_STREAM = {"content-type": "text/event-stream"}


@dataclass(frozen=True, slots=True)
class Told:
    """The token counts that a provider reports; `input` is in the provider's own way of counting."""

    input: int = 1200
    cached: int = 0
    written: int = 0
    output: int = 300


USUAL = Told()


class OpenAIEvents:
    """Chat Completions, streamed."""

    def start(self, told: Told) -> bytes:
        """The events before any text."""
        return self._choice({"role": "assistant", "content": ""})

    def text(self, piece: str) -> bytes:
        """A piece of the reply."""
        return self._choice({"content": piece})

    def stop(self, stop: Stop, told: Told) -> bytes:
        """The event with the finish reason."""
        names = {
            "complete": "stop",
            "truncated": "length",
            "refused": "content_filter",
            "tool": "tool_calls",
        }
        return self._choice({}, names[stop])

    def end(self, told: Told) -> bytes:
        """The usage and the end mark."""
        usage = {
            "prompt_tokens": told.input,
            "completion_tokens": told.output,
            "total_tokens": told.input + told.output,
            "prompt_tokens_details": {"cached_tokens": told.cached, "cache_write_tokens": told.written},
        }
        return self._event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n"

    def error(self, kind: str | None, code: str | int | None = None, message: str = "Failed.") -> bytes:
        """An error inside a stream that has begun."""
        return _sse({"error": {"message": message, "type": kind, "code": code, "param": None}})

    def _choice(self, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return self._event({"choices": [choice], "usage": None})

    def _event(self, fields: dict[str, Any]) -> bytes:
        frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
        return _sse(frame | fields)


class AnthropicEvents:
    """Messages, streamed."""

    def start(self, told: Told) -> bytes:
        """The events before any text."""
        usage = {
            "input_tokens": told.input,
            "cache_read_input_tokens": told.cached,
            "cache_creation_input_tokens": told.written,
            "output_tokens": 1,
        }
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return _named({"type": "message_start", "message": message | {"usage": usage}}) + _named(block)

    def text(self, piece: str) -> bytes:
        """A piece of the reply."""
        delta = {"type": "text_delta", "text": piece}
        return _named({"type": "content_block_delta", "index": 0, "delta": delta})

    def stop(self, stop: Stop, told: Told) -> bytes:
        """The event with the stop reason and the final usage."""
        names = {
            "complete": "end_turn",
            "truncated": "max_tokens",
            "refused": "refusal",
            "tool": "tool_use",
        }
        delta = {"stop_reason": names[stop], "stop_sequence": None}
        event = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": told.output}}
        return _named({"type": "content_block_stop", "index": 0}) + _named(event)

    def end(self, told: Told) -> bytes:
        """The end mark."""
        return _named({"type": "message_stop"})

    def error(self, kind: str | None, code: str | int | None = None, message: str = "Failed.") -> bytes:
        """An error inside a stream that has begun."""
        return _named({"type": "error", "error": {"type": kind, "message": message}})


WIRE_EVENTS: dict[ProviderName, OpenAIEvents | AnthropicEvents] = {
    "openai": OpenAIEvents(),
    "anthropic": AnthropicEvents(),
}


def workflow(*changes: Mapping[str, Any]) -> str:
    """The JSON of a valid workflow of three steps; `changes` apply to the first, the second and the third."""
    steps: list[dict[str, Any]] = [
        {"id": f"step_{number}", "operation": f"Do part {number}", "step_type": "transform"} for number in (1, 2, 3)
    ]
    for earlier, step in pairwise(steps):
        step["depends_on"] = [earlier["id"]]
    for step, change in zip(steps, changes, strict=False):
        step.update(change)
    return json.dumps({"pilot_steps": steps})


WORKFLOW = workflow()


UNKNOWN_TYPE = workflow({}, {"step_type": "think"})


def _sse(data: Any, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def _named(data: dict[str, Any]) -> bytes:
    return _sse(data, data["type"])


def pieces(text: str) -> list[str]:
    size = max(7, len(text) // 200)
    return [text[at : at + size] for at in range(0, len(text), size)]
