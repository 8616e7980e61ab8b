"""How long a model may take, and what is closed when it takes longer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orchestrator import GenerationFailed
from orchestrator.models.tokens import Tokens
from tests.providers.behaviours import (
    silence,
    status_then,
)
from tests.providers.conftest import MakeBench, Side, both_sides
from tests.providers.recorded import LATEST_MS, LIMIT_S


@both_sides
def test_connection_is_closed_after_a_timeout(make_bench: MakeBench, side: Side) -> None:
    """The connection to a model that was given up on is closed."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script(side.first, silence)
    bench.succeed(side)
    assert bench.server.wait_for_ends(2)


@both_sides
def test_last_attempt_has_its_own_limit(make_bench: MakeBench, side: Side) -> None:
    """Both models are silent: each is abandoned at its own limit, and the generation fails with both attempts."""
    bench = make_bench(limit_s=LIMIT_S, last_limit_s=2 * LIMIT_S)
    bench.server.script("openai", silence)
    bench.server.script("anthropic", silence)
    outcome = bench.run(side)
    assert isinstance(outcome, GenerationFailed)
    first, last = outcome.attempts
    assert (first.outcome, last.outcome) == ("timeout", "timeout")
    assert LIMIT_S * 1000 <= first.duration_ms <= LATEST_MS
    assert 2 * LIMIT_S * 1000 <= last.duration_ms <= LATEST_MS + LIMIT_S * 1000


@both_sides
@pytest.mark.parametrize("code", [429, 500])
def test_status_with_an_endless_body_is_still_that_status(make_bench: MakeBench, side: Side, code: int) -> None:
    """An HTTP error costs nothing, even if its body never ends."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script(side.first, status_then(code, silence))
    result = bench.succeed(side)
    assert result.fallback_reason == ("rate_limit" if code == 429 else "api_error")
    assert (result.attempts[0].tokens, result.attempts[0].cost_usd) == (Tokens(), Decimal(0))
    assert result.attempts[0].duration_ms <= LATEST_MS
