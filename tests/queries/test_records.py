"""The generations, agents and rejected replies behind a figure."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from queries.figures import BEFORE, read_figures
from queries.filters import Filters
from queries.flow import read_flow
from queries.latency import read_latency
from queries.period import period
from queries.records.agents import agents
from queries.records.generations import UNKNOWN, Place, Which, generations
from queries.records.rejected import rejected_replies
from store.identity import LOCAL_PERSON_ID
from tests.conftest import SAMPLE_UNTIL, PooledStore

pytestmark = pytest.mark.usefixtures("sample")

BEGINS = datetime(2026, 10, 12, tzinfo=UTC)
ENDS = datetime(2026, 11, 21, tzinfo=UTC)


def counted(store: PooledStore, **kind: Any) -> int:
    """How many generations of a kind the rollups count."""
    days = period(BEGINS.date(), SAMPLE_UNTIL, "UTC")
    rows = read_figures(store.person(), days, Filters(), ("generations",)).generations
    return sum(
        row.generations
        for row in rows
        if row.bin != BEFORE and all(getattr(row, name) == value for name, value in kind.items())
    )


@pytest.mark.parametrize(
    "kind",
    [
        {"status": "failed"},
        {"status": "cancelled"},
        {"generator": "gpt-6-luna", "status": "completed"},
        {"primary_model": "gpt-6-luna", "fallback_reason": "timeout"},
        {"fallback_reason": "rate_limit"},
        {"fallback_reason": "validation_failed", "overridden": False},
    ],
    ids=str,
)
def test_the_list_is_as_long_as_its_figure(store: PooledStore, kind: dict[str, Any]) -> None:
    """Every generation that a figure counts can be found behind it, newest first."""
    found = generations(store.person(), BEGINS, ENDS, Filters(), Which(**kind), limit=10_000)

    assert len(found) == counted(store, **kind) > 0
    assert found["at"].is_monotonic_decreasing
    assert all((found[name] == value).all() for name, value in kind.items() if name != "status")


def test_every_bar_of_times_has_its_list(store: PooledStore) -> None:
    """The list is as long as the bar's count, and each latency is within its bounds."""
    bars = read_latency(store.person(), period(BEGINS.date(), SAMPLE_UNTIL, "UTC"), Filters()).distribution
    for bar in bars.to_dict("records"):
        which = Which(
            "completed", generator=bar["generator"], latency_ms_from=bar["from_ms"], latency_ms_to=bar["to_ms"]
        )
        found = generations(store.person(), BEGINS, ENDS, Filters(), which, limit=10_000)
        assert len(found) == bar["timed"] > 0

    assert len(bars) > 20


def test_every_way_of_the_flow_has_its_list(store: PooledStore, owner: psycopg.Connection) -> None:
    """This includes generations of an unknown model, with and without a fallback."""
    append(owner, fallback_reason="timeout", generator_used="claude-sonnet-4")
    append(owner, generator_used="claude-sonnet-4", generation_id="its attempts cannot be read")
    flow = read_flow(store.person(), period(BEGINS.date(), SAMPLE_UNTIL, "UTC"), Filters())
    for path in flow.paths:
        which = Which(path.status, path.primary or UNKNOWN, path.generator or UNKNOWN, path.reason or "none")
        found = generations(store.person(), BEGINS, ENDS, Filters(), which, limit=10_000)
        assert len(found) == path.generations > 0


def test_a_limit_gives_the_latest(store: PooledStore) -> None:
    """The list stops at the limit."""
    everything = generations(store.person(), BEGINS, ENDS, Filters(), Which(), limit=100_000)
    latest = generations(store.person(), BEGINS, ENDS, Filters(), Which(), limit=7)

    assert latest["event_id"].tolist() == everything["event_id"].tolist()[:7]


def test_bounds_hold(store: PooledStore) -> None:
    """For steps, services and latency; a time range within a day is exact."""
    which = Which(steps_from=4, steps_to=6, services_from=2, services_to=2, latency_ms_from=5000, latency_ms_to=9000)
    found = generations(store.person(), BEGINS, ENDS, Filters(), which, limit=50)
    noon = datetime(2026, 11, 19, 12, 7, tzinfo=UTC)
    hour = generations(store.person(), noon, noon + timedelta(minutes=61), Filters(), Which())

    assert len(found) == 50
    assert found["steps"].between(4, 6).all()
    assert found["latency_ms"].map(lambda value: 5000 <= value <= 9000).all()
    assert hour["at"].map(lambda at: noon <= at < noon + timedelta(minutes=61)).all()


def test_a_list_goes_on_where_its_page_before_ended(store: PooledStore) -> None:
    """Pages put together are the list, also where several generations ended at the same time."""
    whole = generations(store.person(), BEGINS, ENDS, Filters(), Which("failed"), limit=10_000)
    paged: list[Any] = []
    after = None
    while len(page := generations(store.person(), BEGINS, ENDS, Filters(), Which("failed"), 7, after)):
        paged += page["event_id"].tolist()
        after = Place(page["at"].iloc[-1], page["event_id"].iloc[-1])

    assert paged == whole["event_id"].tolist()


def test_generations_that_ended_at_once_are_all_listed(store: PooledStore, owner: psycopg.Connection) -> None:
    """They stand in the order of their ids."""
    for number in range(5):
        append(owner, f"agent {number}", cost_usd=1)
    last = generations(store.person(), BEGINS, ENDS, Filters("real"), Which(), 2)
    rest = generations(
        store.person(), BEGINS, ENDS, Filters("real"), Which(), 9, Place(last["at"].iloc[-1], last["event_id"].iloc[-1])
    )

    assert len({*last["event_id"], *rest["event_id"]}) == 5


def test_generations_of_an_agent_at_a_cost(store: PooledStore) -> None:
    """Both filters pick the same generations as looking through all of them does."""
    everything = generations(store.person(), BEGINS, ENDS, Filters(), Which(), limit=10_000)
    agent = everything["agent_id"].value_counts().index[0]
    cents = Decimal("0.01"), Decimal("0.04")
    by_agent = generations(store.person(), BEGINS, ENDS, Filters(), Which(agent_id=agent), limit=10_000)
    by_cost = generations(
        store.person(), BEGINS, ENDS, Filters(), Which(cost_usd_from=cents[0], cost_usd_to=cents[1]), limit=10_000
    )
    costs = everything["cost_usd"].map(lambda cost: cost is not None and cents[0] <= cost <= cents[1])

    assert by_agent["event_id"].tolist() == everything[everything["agent_id"] == agent]["event_id"].tolist()
    assert by_cost["event_id"].tolist() == everything[costs]["event_id"].tolist()
    assert generations(store.person(), BEGINS, ENDS, Filters(), Which(agent_id="nobody")).empty


@pytest.mark.parametrize("role", ["pm", "engineer"])
def test_prompts_are_for_admins(store: PooledStore, owner: psycopg.Connection, role: str) -> None:
    """Others see the figures of a generation, and neither read nor search what somebody else typed."""
    seen_by_admin = generations(store.person(), BEGINS, ENDS, Filters(), Which(), limit=5)
    words = Which(search=seen_by_admin["prompt"].iloc[0][:20])
    assert not generations(store.person(), BEGINS, ENDS, Filters(), words).empty

    owner.execute("update public.console_roles set role = %s where user_id = %s", [role, LOCAL_PERSON_ID])
    seen = generations(store.person(), BEGINS, ENDS, Filters(), Which(), limit=5)
    assert seen["event_id"].tolist() == seen_by_admin["event_id"].tolist()
    assert seen["prompt"].isna().all()
    assert generations(store.person(), BEGINS, ENDS, Filters(), words).empty


def test_the_agents_with_most_fallbacks(store: PooledStore, owner: psycopg.Connection) -> None:
    """Their counts match the log."""
    found = agents(store.person(), BEGINS, ENDS, Filters(), primary=None)
    rows: list[Any] = owner.execute("""
        select entity_id, count(*) from public.audit_logs
        where action = 'WORKFLOW_GENERATED' and details ->> 'fallback_reason' is not null
        group by entity_id order by count(*) desc, entity_id limit 10
    """).fetchall()

    assert list(zip(found.frame["agent_id"], found.frame["fallbacks"], strict=True)) == rows
    assert (found.frame["generations"] >= found.frame["fallbacks"]).all()
    assert agents(store.person(), BEGINS, ENDS, Filters("real"), primary=None).frame.empty


def test_agents_are_looked_for_among_what_is_asked_for(store: PooledStore, owner: psycopg.Connection) -> None:
    """Later fallbacks of another source do not push any out, and a primary model narrows the search."""
    found = agents(store.person(), BEGINS, ENDS, Filters(), primary="gpt-6-luna")
    rows = owner.execute(
        "select entity_id from public.audit_logs where details -> 'attempts' -> 0 ->> 'model' = 'gpt-6-luna'"
    ).fetchall()
    assert set(found.frame["agent_id"]) <= {agent for (agent,) in rows}
    assert 0 < found.searched < agents(store.person(), BEGINS, ENDS, Filters(), primary=None).searched
    append(owner, fallback_reason="timeout", generator_used="claude-sonnet-4")
    answer: Any = store.person().call(
        "list_agents_with_fallbacks", p_from=BEGINS.isoformat(), p_to=ENDS.isoformat(),
        p_filters={"source": "simulated", "origin": None}, p_latest=1,
    )  # fmt: skip

    assert answer["fallbacks"] == 1
    assert answer["agents"][0]["agent_id"].startswith("sample-agent")


def test_agents_are_counted_for_the_model_that_figures_count(store: PooledStore, owner: psycopg.Connection) -> None:
    """The primary model of another system's direct answer is the model that gave it."""
    attempts = [{"model": "gpt-4o-mini", "outcome": "timeout"}, {"model": "claude-sonnet-4", "outcome": "succeeded"}]
    fallen = {"generation_id": "g", "fallback_reason": "timeout", "generator_used": "claude-sonnet-4"}
    append(owner, "both", **fallen, attempts=attempts)
    append(owner, "both", generator_used="gpt-4o-mini")
    found = agents(store.person(), BEGINS, ENDS, Filters("real"), primary="gpt-4o-mini").frame

    assert found.to_dict("records") == [{"agent_id": "both", "fallbacks": 1, "generations": 2}]


def test_what_somebody_tried_out_is_behind_no_rate(store: PooledStore, owner: psycopg.Connection) -> None:
    """Neither the list nor the agents include overridden generations, whether the flag is a boolean or text."""
    for flag in (True, "true", False, None):
        append(owner, f"agent {flag!r}", fallback_reason="timeout", cost_usd=1, overridden=flag)
    which = Which("completed", fallback_reason="any", overridden=False)
    listed = generations(store.person(), BEGINS, ENDS, Filters("real"), which)
    found = agents(store.person(), BEGINS, ENDS, Filters("real"), primary=None).frame

    assert sorted(listed["agent_id"]) == sorted(found["agent_id"]) == ["agent False", "agent None"]


def test_an_unknown_model_is_not_any(store: PooledStore, owner: psycopg.Connection) -> None:
    """The figure for unknown models lists only generations whose model is unknown."""
    append(owner, fallback_reason="timeout", generator_used="claude-sonnet-4")
    append(owner, cost_usd=1)
    first = generations(store.person(), BEGINS, ENDS, Filters(), Which(primary_model=UNKNOWN, fallback_reason="any"))
    answered = generations(store.person(), BEGINS, ENDS, Filters(), Which("completed", generator=UNKNOWN))

    assert first["generator"].tolist() == ["claude-sonnet-4"]
    assert answered["generator"].tolist() == [None]


def append(owner: psycopg.Connection, agent: str | None = None, **details: Any) -> None:
    """Another system's workflow, on the sample's last day."""
    owner.execute(
        "insert into public.audit_logs (timestamp, action, entity_id, details) "
        "values (%s, 'WORKFLOW_GENERATED', %s, %s)",
        [ENDS - timedelta(minutes=1), agent, json.dumps(details)],
    )


def test_refused_answers_of_one_rule(store: PooledStore) -> None:
    """With the finding that rejected them and its path."""
    found = rejected_replies(store.person(), BEGINS, ENDS, Filters(), code="step_type_unknown", limit=5)

    assert len(found) == 5
    assert all("step_type_unknown" in codes for codes in found["codes"])
    assert all(findings[0]["path"] == "$.pilot_steps[2]" for findings in found["findings"])
    assert rejected_replies(store.person(), BEGINS, ENDS, Filters(), code="no_such_rule").empty
