"""The two wire protocols from the provider's side: reads requests, writes replies as server-sent events."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from orchestrator.models.tokens import estimate

Stop = Literal["complete", "truncated", "refused"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The content of a request, read from its body."""

    model: str
    system: str
    goal: str
    services: tuple[str, ...]
    schema: dict[str, Any]
    input_tokens: int


class Wire(Protocol):
    """One provider's protocol."""

    first_token_s: float
    tokens_per_s: float

    def read(self, body: dict[str, Any]) -> Asked:
        """The content of a request's body. Raises KeyError, TypeError or ValueError for another protocol's body."""

    def start(self, asked: Asked) -> bytes:
        """The events before any text."""

    def text(self, asked: Asked, piece: str) -> bytes:
        """The event for a piece of the reply."""

    def end(self, asked: Asked, stop: Stop, output_tokens: int) -> bytes:
        """The events after the text: the stop reason and the usage."""

    def error(self, *, rate_limit: bool) -> bytes:
        """The event for an error inside a stream that has begun."""


def _asked(model: str, system: str, user: str, schema: dict[str, Any]) -> Asked:
    message = json.loads(user)
    return Asked(
        model=model,
        system=system,
        goal=message["goal"],
        services=tuple(service["name"] for service in message["services"]),
        schema=schema,
        input_tokens=estimate(system) + estimate(user) + estimate(json.dumps(schema)),
    )


def _event(data: dict[str, Any], name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


class OpenAIWire:
    """OpenAI's Chat Completions protocol."""

    first_token_s = 0.5
    tokens_per_s = 110.0

    def read(self, body: dict[str, Any]) -> Asked:
        """See `Wire.read`."""
        system, user = (message["content"] for message in body["messages"])
        return _asked(body["model"], system, user, body["response_format"]["json_schema"]["schema"])

    def start(self, asked: Asked) -> bytes:
        """See `Wire.start`."""
        return self._chunk(asked, {"role": "assistant", "content": ""})

    def text(self, asked: Asked, piece: str) -> bytes:
        """See `Wire.text`."""
        return self._chunk(asked, {"content": piece})

    def end(self, asked: Asked, stop: Stop, output_tokens: int) -> bytes:
        """See `Wire.end`."""
        refusal = self._chunk(asked, {"refusal": "I cannot help with that."}) if stop == "refused" else b""
        usage = {
            "prompt_tokens": asked.input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": asked.input_tokens + output_tokens,
        }
        last = self._chunk(asked, {}, "length" if stop == "truncated" else "stop")
        return refusal + last + _event(self._frame(asked) | {"choices": [], "usage": usage}) + b"data: [DONE]\n\n"

    def error(self, *, rate_limit: bool) -> bytes:
        """See `Wire.error`."""
        kind, code = ("requests", "rate_limit_exceeded") if rate_limit else ("server_error", None)
        return _event({"error": {"message": "The simulated model failed.", "type": kind, "code": code}})

    def _frame(self, asked: Asked) -> dict[str, Any]:
        return {
            "id": "chatcmpl-simulated",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": asked.model,
        }

    def _chunk(self, asked: Asked, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event(self._frame(asked) | {"choices": [choice], "usage": None})


class AnthropicWire:
    """Anthropic's Messages protocol."""

    first_token_s = 0.9
    tokens_per_s = 85.0

    def read(self, body: dict[str, Any]) -> Asked:
        """See `Wire.read`."""
        system = "".join(block["text"] for block in body["system"])
        return _asked(body["model"], system, body["messages"][0]["content"], body["output_config"]["format"]["schema"])

    def start(self, asked: Asked) -> bytes:
        """See `Wire.start`."""
        message: dict[str, Any] = {
            "id": "msg_simulated",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": asked.input_tokens, "output_tokens": 1},
        }
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return _event({"type": "message_start", "message": message}, "message_start") + _event(
            block, "content_block_start"
        )

    def text(self, asked: Asked, piece: str) -> bytes:
        """See `Wire.text`."""
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        return _event(delta, "content_block_delta")

    def end(self, asked: Asked, stop: Stop, output_tokens: int) -> bytes:
        """See `Wire.end`."""
        reason = {"complete": "end_turn", "truncated": "max_tokens", "refused": "refusal"}[stop]
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": output_tokens},
        }
        return (
            _event({"type": "content_block_stop", "index": 0}, "content_block_stop")
            + _event(delta, "message_delta")
            + _event({"type": "message_stop"}, "message_stop")
        )

    def error(self, *, rate_limit: bool) -> bytes:
        """See `Wire.error`."""
        kind = "rate_limit_error" if rate_limit else "overloaded_error"
        return _event({"type": "error", "error": {"type": kind, "message": "The simulated model failed."}}, "error")


WIRES: dict[str, Wire] = {"/chat/completions": OpenAIWire(), "/messages": AnthropicWire()}
"""Each provider's protocol, by how the path of its endpoint ends."""
