"""The report equals a recount and the rollups equal a rebuild, whatever the log holds and in whatever order it came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import PooledStore
from tests.queries.conftest import BEGIN, ZONES, append, check, differences

MODELS = ("gpt-4o-mini", "claude-sonnet-4", "gpt-6-luna", "a model that nobody knows", "unknown")

moments = st.integers(0, 3 * 24 * 60 * 60).map(lambda second: BEGIN + timedelta(seconds=second))
agents = st.sampled_from(["a-1", "a-2", "a-3", None])
generation_ids = st.integers(1, 6).map(lambda number: str(UUID(int=number)))
money = st.decimals(0, 2, places=7, allow_nan=False)
models = st.sampled_from(MODELS)
reasons = st.sampled_from(["validation_failed", "api_error", "timeout", "rate_limit"])
words = st.sampled_from(
    ["Request timed out", "HTTP 429", "Rate limit hit", "Schema mismatch", "JSON error", "Boom", ""]
)
latencies = st.one_of(st.integers(0, 3), st.integers(0, 200_000), st.just(86_400_000))
tokens = st.fixed_dictionaries({"input": st.integers(0, 9000), "output": st.integers(0, 9000)})
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.sampled_from(["", "NaN", "1e5", "-1", "0.5", "x" * 120]),
    st.decimals(-9, 9, places=3, allow_nan=False),
)
garbage = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["input", "model", "outcome"]), inner),
    max_leaves=4,
)

calls = st.fixed_dictionaries(
    {
        "model": models,
        "outcome": st.sampled_from(
            ["succeeded", "validation_failed", "api_error", "timeout", "rate_limit", "cancelled"]
        ),
        "rejected_for": st.sampled_from(["schema", "semantic", None]),
        "finding_codes": st.lists(st.sampled_from(["cycle", "not_json"]), max_size=2),
        "cost_usd": st.none() | money,
        "duration_ms": latencies,
    }
)
circumstances = st.fixed_dictionaries(
    {},
    optional={
        "simulated": st.sampled_from([True, False, "true"]),
        "sample": st.sampled_from([True, False]),
        "overridden": st.booleans(),
        "forced_fault": st.sampled_from([None, "timeout", "drip"]),
        "origin": st.sampled_from(["cli", "api", "somewhere"]),
        "prompt_version": st.integers(1, 3),
        "replaces_generation_id": st.none() | generation_ids,
        "unpriced_attempts": st.integers(0, 1),
        "generation_time_ms": latencies,
        "steps_generated": st.integers(1, 50),
        "services": st.integers(0, 50),
    },
)


def _own(ending: str) -> st.SearchStrategy[dict[str, Any]]:
    figures: dict[str, Any] = {
        "generation_id": generation_ids,
        "attempts": st.lists(calls, max_size=2),
        "wasted_cost_usd": money,
        "baseline_cost_usd": st.none() | money,
    }
    if ending == "WORKFLOW_GENERATED":
        figures |= {"generator_used": models, "cost_usd": money, "fallback_reason": st.none() | reasons}
    return st.fixed_dictionaries(figures)


ELSEWHERE = {
    "WORKFLOW_GENERATED": st.fixed_dictionaries(
        {"generator_used": models, "tokens_used": tokens, "cost_usd": money},
        optional={"fallback_reason": words},
    ),
    "WORKFLOW_GENERATION_FALLBACK": st.fixed_dictionaries({"primary_model": models, "reason": words}),
    "WORKFLOW_GENERATION_FAILED": st.fixed_dictionaries({"cost_usd": money}),
}
EARLIER = st.fixed_dictionaries(
    {"generator": models, "tokens_used": st.integers(0, 9000), "cost_usd": money.map(str)},
    optional={"fallback_reason": words},
)
FIELDS = [
    "generation_id", "generator_used", "generator", "attempts", "wasted_cost_usd", "baseline_cost_usd", "cost_usd",
    "fallback_reason", "tokens_used", "generation_time_ms", "simulated", "score", "reason", "primary_model",
    "unpriced_attempts", "steps_generated", "finding_codes",
]  # fmt: skip

OWN = (
    "WORKFLOW_GENERATED",
    "WORKFLOW_GENERATION_FAILED",
    "WORKFLOW_GENERATION_CANCELLED",
    "WORKFLOW_GENERATION_FALLBACK",
)
EXECUTIONS = ("AGENT_EXECUTION_COMPLETED", "AGENT_EXECUTION_FAILED")
actions_and_details = st.one_of(
    *(st.tuples(st.just(action), _own(action)) for action in OWN),
    *(st.tuples(st.just(action), details) for action, details in ELSEWHERE.items()),
    st.tuples(st.just("WORKFLOW_GENERATED"), EARLIER),
    st.tuples(st.sampled_from(EXECUTIONS), st.just({})),
    st.tuples(
        st.just("WORKFLOW_RATED"), st.fixed_dictionaries({"generation_id": generation_ids, "score": st.integers(0, 1)})
    ),
    st.tuples(st.just("SOMETHING_ELSE"), st.just({})),
    st.tuples(
        st.sampled_from([*OWN, *EXECUTIONS, "WORKFLOW_RATED"]),
        st.dictionaries(st.sampled_from(FIELDS), garbage, max_size=6),
    ),
)


@st.composite
def event(draw: st.DrawFn) -> dict[str, Any]:
    """An event of this orchestrator, of another system, of the earlier system, or a meaningless one."""
    action, details = draw(actions_and_details)
    return {
        "id": draw(st.uuids(version=4)),
        "timestamp": draw(moments),
        "action": action,
        "entity_id": draw(agents),
        "details": draw(circumstances) | details,
    }


batches = st.lists(st.lists(event(), min_size=1, max_size=6), min_size=1, max_size=6)


@pytest.fixture(name="emptied")
def emptied_fixture(owner: psycopg.Connection) -> psycopg.Connection:
    """The log's owner, allowed to empty it as nobody else is."""
    owner.execute("alter table public.audit_logs disable trigger append_only_truncate")
    return owner


def empty(owner: psycopg.Connection) -> None:
    owner.execute(
        "truncate public.audit_logs, public.generation_rollups, public.latency_rollups, public.attempt_rollups,"
        " public.finding_rollups, public.verdict_rollups"
    )


# The connection pool's own thread draws random numbers in the meantime.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=batches)
def test_any_mix_of_events(
    emptied: psycopg.Connection, store: PooledStore, batches: list[list[dict[str, Any]]]
) -> None:
    """In any batches and any order, some delivered twice: the report equals a recount, the rollups equal a rebuild."""
    empty(emptied)
    for batch in batches:
        append(emptied, batch)
    append(emptied, batches[0])

    check(store, emptied, ZONES[:2], ("all", "real", "simulated"))
    check(store, emptied, ZONES[2:], ("all",))
    assert differences(emptied) == {}
