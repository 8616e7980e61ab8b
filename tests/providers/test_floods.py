"""A flood is bounded in memory, in time and in the log."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import dataclass

import pytest

from orchestrator.attempt import FallbackReason
from tests.providers.behaviours import flood, flood_of_text, reply, status
from tests.providers.conftest import Bench, MakeBench, Side, both_sides
from tests.providers.exchange import Behaviour
from tests.providers.recorded import TOLD
from tests.providers.wire_events import workflow


@dataclass(frozen=True)
class Flood:
    """A response that is too large to be a reply."""

    id: str
    behaviour: Behaviour
    reasons: set[FallbackReason]


HUNDRED_MB = 100_000_000


FLOODS = [
    Flood("endless line", flood(b"a"), {"api_error", "timeout"}),
    Flood("endless data", flood(b"data: " + b"a" * 60_000 + b"\n"), {"api_error", "timeout"}),
    Flood("endless comments", flood(b": ping\n\n"), {"api_error", "timeout"}),
    Flood("100 MB of text", flood_of_text("x" * 30_000, HUNDRED_MB), {"validation_failed"}),
    Flood("endless small pieces", flood_of_text("{"), {"validation_failed", "timeout"}),
    Flood("100 MB with an error", status(500, b"x" * HUNDRED_MB), {"api_error"}),
]


def peak_bytes() -> int:
    """The peak memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@both_sides
@pytest.mark.parametrize("case", FLOODS, ids=lambda case: case.id)
def test_flood_is_bounded_and_named(make_bench: MakeBench, side: Side, case: Flood) -> None:
    """A provider that sends endlessly costs neither memory nor more time than the attempt's limit."""
    bench = make_bench(limit_s=1.0)
    bench.server.script(side.first, case.behaviour)
    before = peak_bytes()
    result = bench.succeed(side)
    assert result.fallback_reason in case.reasons
    assert result.attempts[0].duration_ms < 2500
    assert peak_bytes() - before < 250_000_000
    assert bench.calls() == [side.first, side.second]


@both_sides
def test_lines_without_an_end_cost_no_time(bench: Bench, side: Side) -> None:
    """A megabyte of short lines that never form an event does not block the event loop that all generations share."""
    bench.server.script(side.first, flood(b"data: x\n", 1_000_000))
    result = bench.succeed(side)
    assert result.fallback_reason == "api_error"
    assert result.attempts[0].duration_ms < 1500


@pytest.mark.parametrize("field", ["depends_on", "required_tools"], ids=["rejected", "accepted with warnings"])
def test_audit_events_stay_small(bench: Bench, field: str) -> None:
    """A reply with a hundred thousand errors does not put a hundred thousand findings into the audit log."""
    bench.server.script("openai", reply(workflow({field: ["nobody"] * 75_000}), told=TOLD))
    bench.succeed()
    sizes = [len(json.dumps(details, default=str)) for _, details in bench.events()]
    assert max(sizes) < 100_000
