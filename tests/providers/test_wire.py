"""What is actually sent over the wire: how many requests, to which provider, with which body."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator import GenerationFailed
from orchestrator.generation.prompts import SYSTEM_PROMPT
from orchestrator.models.catalogue import CATALOGUE
from orchestrator.workflow.schema import workflow_schema
from tests.conftest import NOW
from tests.providers.behaviours import redirect, status
from tests.providers.conftest import (
    ANTHROPIC_KEY,
    CLAUDE_FIRST,
    MINI_FIRST,
    OPENAI_KEY,
    Bench,
    MakeBench,
    Side,
    both_sides,
)
from tests.providers.exchange import Behaviour
from tests.providers.server import outside_strict

BAD_GATEWAY = status(502, b"<html>Bad gateway</html>", {"content-type": "text/html"})


@dataclass(frozen=True)
class Refusal:
    """A status that an SDK would retry by default."""

    id: str
    behaviour: Behaviour


RETRIED_BY_DEFAULT = [
    Refusal("408", status(408)),
    Refusal("409", status(409)),
    Refusal("429 at once", status(429, headers={"retry-after": "0"})),
    Refusal("429 asks for a retry", status(429, headers={"x-should-retry": "true", "retry-after-ms": "1"})),
    Refusal("500", status(500)),
    Refusal("503", status(503)),
    Refusal("529", status(529)),
]


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every object schema inside a schema."""
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    inner = [found for value in schema.values() for found in objects(value)]
    return [schema, *inner] if schema.get("type") == "object" else inner


@both_sides
def test_success_takes_one_request(bench: Bench, side: Side) -> None:
    """The primary is asked once, and the fallback not at all."""
    bench.succeed(side)
    assert bench.calls() == [side.first]


@both_sides
@pytest.mark.parametrize("case", RETRIED_BY_DEFAULT, ids=lambda case: case.id)
def test_nothing_is_asked_twice(bench: Bench, side: Side, case: Refusal) -> None:
    """Two failing models get one request each, even where an SDK would retry by default."""
    bench.server.script(side.first, case.behaviour)
    bench.server.script(side.second, case.behaviour)
    outcome = bench.run(side)
    assert isinstance(outcome, GenerationFailed)
    assert bench.calls() == [side.first, side.second]


@both_sides
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirection_is_not_followed(bench: Bench, side: Side, code: int) -> None:
    """A redirect is an api_error: following it would be a second request, with the key, to an unknown place."""
    bench.server.script(side.first, redirect(code, f"http://127.0.0.1:{bench.server.port}/elsewhere"))
    result = bench.succeed(side)
    assert result.fallback_reason == "api_error"
    assert bench.calls() == [side.first, side.second]


@both_sides
def test_redirection_loop_takes_one_request(bench: Bench, side: Side) -> None:
    """An endless redirect to itself is one request and one api_error."""
    path = "/v1/chat/completions" if side.first == "openai" else "/v1/messages"
    bench.server.script(side.first, redirect(307, path))
    assert bench.succeed(side).fallback_reason == "api_error"
    assert len(bench.server.requests) == 2


def test_openai_is_asked_for_a_strict_stream(bench: Bench) -> None:
    """The OpenAI body has the strict schema, the stream with its usage, and an output limit."""
    bench.succeed(MINI_FIRST)
    body = bench.server.requests[0].body
    wanted = body["response_format"]["json_schema"]
    assert (wanted["strict"], wanted["schema"]) == (True, workflow_schema())
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["max_completion_tokens"] == CATALOGUE["gpt-4o-mini"].max_output_tokens
    assert body["temperature"] == CATALOGUE["gpt-4o-mini"].temperature


def test_anthropic_is_asked_for_a_strict_stream(bench: Bench) -> None:
    """The Anthropic body has the same schema, the stream, and an output limit."""
    bench.succeed(CLAUDE_FIRST)
    body = bench.server.requests[0].body
    assert body["output_config"]["format"] == {"type": "json_schema", "schema": workflow_schema()}
    assert body["stream"] is True
    assert body["max_tokens"] == CATALOGUE["claude-sonnet-4-6"].max_output_tokens


@both_sides
def test_schema_on_the_wire_is_strict(bench: Bench, side: Side) -> None:
    """Every object is closed and requires every property, whatever an SDK does to the schema."""
    bench.succeed(side)
    found = objects(bench.server.requests[0].body)
    assert len(found) >= 4
    for schema in found:
        assert schema["additionalProperties"] is False
        assert sorted(schema["required"]) == sorted(schema["properties"])
    assert list(outside_strict(workflow_schema())) == []


def test_server_refuses_a_loose_schema(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema outside the strict subset gives an api_error, so the tests above are able to fail."""
    loose = {"type": "object", "properties": {"pilot_steps": {"type": "array"}}}
    monkeypatch.setattr("orchestrator.generation.generation.workflow_schema", lambda: loose)
    outcome = bench.run()
    assert isinstance(outcome, GenerationFailed)
    assert [attempt.detail for attempt in outcome.attempts] == [
        "HTTP 400 invalid_schema",
        "HTTP 400 invalid_request_error",
    ]


@dataclass(frozen=True)
class Dated:
    """Which model is called on a day."""

    id: str
    day: datetime
    side: Side
    sent: str


DATED = [
    Dated("Claude after its retirement", NOW, CLAUDE_FIRST, "claude-sonnet-4-6"),
    Dated(
        "Claude before its retirement",
        datetime(2026, 6, 14, 23, 59, tzinfo=UTC),
        CLAUDE_FIRST,
        "claude-sonnet-4-20250514",
    ),
    Dated("Claude on the day", datetime(2026, 6, 15, 0, 0, tzinfo=UTC), CLAUDE_FIRST, "claude-sonnet-4-6"),
    Dated("mini before its end", NOW, MINI_FIRST, "gpt-4o-mini"),
    Dated("mini on the eve", datetime(2027, 1, 13, 23, 59, tzinfo=UTC), MINI_FIRST, "gpt-4o-mini"),
    Dated("mini on the day", datetime(2027, 1, 14, 0, 0, tzinfo=UTC), MINI_FIRST, "gpt-6-luna"),
    Dated("mini afterwards", datetime(2027, 2, 1, tzinfo=UTC), MINI_FIRST, "gpt-6-luna"),
]


@pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")
@pytest.mark.parametrize("case", DATED, ids=lambda case: case.id)
def test_retired_id_is_never_sent(make_bench: MakeBench, case: Dated) -> None:
    """The id on the wire is not retired on that day, and the result has it next to the logical name."""
    bench = make_bench(now=case.day)
    result = bench.succeed(case.side)
    assert bench.server.requests[0].body["model"] == case.sent
    assert (result.generator_used, result.api_model) == (case.side.primary, case.sent)


def test_retired_fallback_is_replaced_too(make_bench: MakeBench) -> None:
    """After both retirements, a fallback sends two current ids and keeps the logical names."""
    bench = make_bench(now=datetime(2027, 2, 1, tzinfo=UTC))
    bench.server.script("openai", BAD_GATEWAY)
    result = bench.succeed(MINI_FIRST)
    assert [received.body["model"] for received in bench.server.requests] == [
        "gpt-6-luna",
        "claude-sonnet-4-6",
    ]
    assert [attempt.model for attempt in result.attempts] == ["gpt-4o-mini", "claude-sonnet-4"]


def test_reasoning_successor_is_asked_in_its_own_way(make_bench: MakeBench) -> None:
    """A model that takes no temperature is sent none."""
    bench = make_bench(now=datetime(2027, 2, 1, tzinfo=UTC))
    bench.succeed(MINI_FIRST)
    body = bench.server.requests[0].body
    assert "temperature" not in body
    assert body["reasoning_effort"] == "none"


def test_static_prompt_comes_first_for_openai(bench: Bench) -> None:
    """Everything that never varies comes before the user's text, so that OpenAI's prompt cache applies."""
    bench.succeed(MINI_FIRST)
    system, user = bench.server.requests[0].body["messages"]
    assert (system["role"], system["content"]) == ("system", SYSTEM_PROMPT)
    assert user["role"] == "user"
    assert "Sort my mail." in user["content"]


def test_static_prompt_is_cached_by_anthropic(bench: Bench) -> None:
    """The system prompt is one block that never varies, marked for the cache."""
    bench.succeed(CLAUDE_FIRST)
    body = bench.server.requests[0].body
    (block,) = body["system"]
    assert block == {"type": "text", "text": SYSTEM_PROMPT, "cache_control": {"type": "ephemeral"}}
    assert "Sort my mail." in body["messages"][0]["content"]


def test_each_provider_gets_its_own_key(bench: Bench) -> None:
    """No provider sees the other's key."""
    bench.server.script("openai", BAD_GATEWAY)
    bench.succeed(MINI_FIRST)
    asked_openai, asked_anthropic = (str(received.headers) for received in bench.server.requests)
    assert OPENAI_KEY in asked_openai
    assert ANTHROPIC_KEY in asked_anthropic
    assert ANTHROPIC_KEY not in asked_openai
    assert OPENAI_KEY not in asked_anthropic


@both_sides
def test_reply_is_asked_for_uncompressed(bench: Bench, side: Side) -> None:
    """A compressed reply could be a thousand times larger than the bytes that are counted."""
    bench.succeed(side)
    assert bench.server.requests[0].headers["accept-encoding"] == "identity"


@both_sides
def test_no_simulator_header_reaches_a_real_provider(bench: Bench, side: Side) -> None:
    """The header that controls the simulator is not sent to anybody else."""
    bench.succeed(side)
    assert not [name for name in bench.server.requests[0].headers if "simulated" in name]
