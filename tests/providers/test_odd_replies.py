"""Replies that are odd but complete are accepted and priced."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal

import pytest

from orchestrator import WorkflowGenerationResult
from orchestrator.models.tokens import Tokens
from tests.providers.behaviours import Reply, drop, reply, reset, silence
from tests.providers.conftest import CLAUDE_FIRST, MINI_FIRST, Bench, MakeBench, Side, both_sides, cost
from tests.providers.exchange import Behaviour
from tests.providers.recorded import FALLBACK, GENERATED, TOLD, USED
from tests.providers.wire_events import Told, workflow


@dataclass(frozen=True)
class Cached:
    """Token counts as a provider reports them and as we record them."""

    id: str
    side: Side
    told: Told
    tokens: Tokens
    usd: str


CACHED = [
    Cached("openai read", MINI_FIRST, Told(2000, 1500, 0, 100), Tokens(2000, 1500, 0, 100), "0.0002475"),
    Cached("openai more than all", MINI_FIRST, Told(100, 900, 0, 100), Tokens(100, 100, 0, 100), "0.0000675"),
    Cached("anthropic read", CLAUDE_FIRST, Told(500, 1500, 0, 100), Tokens(2000, 1500, 0, 100), "0.00345"),
    Cached("anthropic written", CLAUDE_FIRST, Told(500, 0, 1500, 100), Tokens(2000, 0, 1500, 100), "0.008625"),
    Cached("anthropic both", CLAUDE_FIRST, Told(7, 1000, 500, 1), Tokens(1507, 1000, 500, 1), "0.002211"),
]


@pytest.mark.parametrize("case", CACHED, ids=lambda case: case.id)
def test_cached_input_has_its_own_price(bench: Bench, case: Cached) -> None:
    """Tokens read from the prompt cache, or written to it, cost what the provider charges for that."""
    bench.server.script(case.side.first, reply(told=case.told))
    result = bench.succeed(case.side)
    assert (result.tokens, result.cost_usd) == (case.tokens, Decimal(case.usd))
    assert bench.details(GENERATED)["cost_usd"] == cost(result.attempts[0])


def test_openai_refusal_in_words_is_a_rejected_reply(bench: Bench) -> None:
    """OpenAI's own field for a refusal counts, whatever finish reason follows."""
    refusal = {"choices": [{"index": 0, "delta": {"refusal": "I cannot help."}, "finish_reason": None}]}
    said = f"data: {json.dumps(refusal)}\n\n".encode()
    bench.server.script("openai", Reply("", told=TOLD, addition=lambda frames: said))
    result = bench.succeed()
    failed = result.attempts[0]
    assert (failed.outcome, failed.detail, failed.tokens) == ("validation_failed", "reply_refused", USED)


def test_anthropic_stop_reason_without_the_end_is_an_api_error(bench: Bench) -> None:
    """Without message_stop the reply was cut off, even after a stop reason; its usage is final all the same."""
    bench.server.script("anthropic", Reply(told=TOLD, without=("end",)))
    failed = bench.succeed(CLAUDE_FIRST).attempts[0]
    assert (failed.outcome, failed.detail) == ("api_error", "stream ended early")
    assert (failed.tokens, failed.tokens_estimated) == (USED, False)


def test_openai_finish_reason_without_usage_is_accepted(bench: Bench) -> None:
    """The reply is complete; only its tokens must be estimated."""
    bench.server.script("openai", Reply(told=TOLD, without=("end",)))
    result = bench.succeed()
    assert result.fallback_reason is None
    assert result.attempts[0].tokens_estimated
    assert result.cost_usd == cost(result.attempts[0]) > 0


@both_sides
@pytest.mark.parametrize("then", [drop, reset], ids=["closed", "broken off"])
def test_connection_may_break_after_a_complete_reply(bench: Bench, side: Side, then: Behaviour) -> None:
    """What the provider marked complete is used, however the connection ends."""
    bench.server.script(side.first, Reply(told=TOLD, then=then))
    result = bench.succeed(side)
    assert (result.fallback_reason, result.generator_used) == (None, side.primary)
    assert bench.calls() == [side.first]


@both_sides
def test_complete_reply_is_not_held_up_by_an_open_connection(make_bench: MakeBench, side: Side) -> None:
    """After the provider's end mark, nothing more is awaited."""
    bench = make_bench(limit_s=3.0)
    bench.server.script(side.first, Reply(told=TOLD, then=silence))
    result = bench.succeed(side)
    assert (result.fallback_reason, result.tokens) == (None, USED)
    assert result.generation_time_ms < 1500


@both_sides
@pytest.mark.parametrize("output", [10**12, 10**25], ids=["a trillion", "beyond 64 bits"])
def test_absurd_usage_is_booked_all_the_same(bench: Bench, side: Side, output: int) -> None:
    """An impossible token count does not keep the generation out of the audit log."""
    bench.server.script(side.first, reply(told=Told(output=output)))
    bench.run(side)
    assert GENERATED in bench.actions()


@both_sides
def test_text_that_no_database_can_store_is_booked(bench: Bench, side: Side) -> None:
    """NUL and half a surrogate pair, in values and keys, rejected or accepted, reach the audit log."""
    odd = workflow({"operation": "Zero \x00 and \ud800", "\x00\udfff": "\x00"}, {"step_type": "\x00"})
    bench.server.script(side.first, reply(odd, told=TOLD))
    bench.server.script(side.second, reply(odd.replace(json.dumps("\x00"), '"transform"'), told=TOLD))
    result = bench.run(side)
    assert isinstance(result, WorkflowGenerationResult)
    assert bench.actions() == [GENERATED, FALLBACK]
