"""Usage that a server sends before its reply is complete."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import httpx2
import pytest

from orchestrator.models.catalogue import named
from orchestrator.providers import ModelRequest, ProviderError, Usage
from orchestrator.providers.openai import OpenAI
from orchestrator.workflow.schema import workflow_schema


def chunk(text: str, written: int, finish_reason: str | None = None) -> dict[str, Any]:
    """A chunk with the usage so far, as some compatible servers send it."""
    return {
        "id": "a", "object": "chat.completion.chunk", "created": 0, "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 10, "completion_tokens": written, "total_tokens": 10 + written},
    }  # fmt: skip


def told(*chunks: dict[str, Any]) -> list[Usage]:
    """The usage that the provider passes on, whether or not the stream is complete."""
    body = "".join(f"data: {json.dumps(entry)}\n\n" for entry in chunks).encode()
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    )
    usages: list[Usage] = []

    async def listen() -> None:
        request = ModelRequest(named("gpt-4o-mini"), "system", "user", workflow_schema(), limit_s=5.0, headers={})
        async for event in OpenAI("key", transport=transport).stream(request):
            if isinstance(event, Usage):
                usages.append(event)

    with contextlib.suppress(ProviderError):
        asyncio.run(listen())
    return usages


@pytest.mark.parametrize("end", [None, "stop"])
def test_it_is_final_only_at_the_end(end: str | None) -> None:
    """What was written after it also counts if the stream breaks off."""
    usages = told(chunk("{", 1), chunk("}", 2, end))

    assert [usage.final for usage in usages] == [False, end is not None]
