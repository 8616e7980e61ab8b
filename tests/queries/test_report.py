"""The report on known logs: the golden case, real generations with faults, days in several time zones."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from orchestrator import Application, GenerationFailed, GenerationOptions
from orchestrator.simulator import Fault
from store import clock
from store.identity import LOCAL_PERSON_ID
from tests.conftest import NOW, PooledStore
from tests.queries.conftest import BEGIN, FIRST, LAST, ZONES, append, check, differences
from tests.queries.stories import CLAUDE, MINI, generated, report


def test_the_golden_case(store: PooledStore, owner: psycopg.Connection) -> None:
    """10,000 workflows of 2,000 + 1,500 tokens, 5 % of them after a fully wasted reply: $26.25 against $285.00."""

    def events() -> Any:
        for number in range(10_000):
            fell_back = number % 20 == 0
            wasted = Decimal("0.0012") if fell_back else Decimal(0)
            yield generated(
                BEGIN + timedelta(seconds=20 * number),
                CLAUDE if fell_back else MINI,
                generation_id=uuid4(),
                attempts=[],
                cost_usd=Decimal("0.0285") + wasted if fell_back else Decimal("0.0012"),
                wasted_cost_usd=wasted,
                baseline_cost_usd=Decimal("0.0285"),
                **({"fallback_reason": "validation_failed"} if fell_back else {}),
            )

    append(owner, list(events()))
    figures = report(store)

    assert (figures["generations"], figures["fallback_rate_pct"]) == (10_000, 5.0)
    assert figures["cost_usd"] == Decimal("26.25")
    assert figures["wasted_cost_usd"] == Decimal("0.6")
    assert figures["baseline_cost_usd"] == 285
    assert figures["savings_usd"] == Decimal("258.75")
    assert round(figures["savings_pct"], 1) == 90.8


def test_the_statements_that_others_rely_on_agree(store: PooledStore, owner: psycopg.Connection) -> None:
    """Both give the same figures as the report for all sources."""
    now = clock.system()
    append(owner, [generated(now - timedelta(hours=hour), [MINI, CLAUDE][hour % 2]) for hour in range(9)])
    append(owner, [generated(now - timedelta(hours=1), CLAUDE, fallback_reason="timeout", cost_usd="0.0285")])
    figures = report(store, now.date() - timedelta(days=1), now.date())
    rate = owner.execute(
        """
        SELECT COUNT(*) FILTER (WHERE details->>'fallback_reason' IS NOT NULL) * 100.0 / COUNT(*) as fallback_rate
        FROM audit_logs WHERE action = 'WORKFLOW_GENERATED' AND timestamp > NOW() - INTERVAL '7 days'
        """
    ).fetchone()
    totals = owner.execute(
        """
        SELECT SUM((details->>'cost_usd')::decimal) as total_cost, COUNT(*) as total_workflows,
            details->>'generator_used' as generator
        FROM audit_logs WHERE action = 'WORKFLOW_GENERATED' GROUP BY generator
        """
    ).fetchall()

    assert rate == (Decimal(figures["fallback_rate_pct"]),)
    assert {name: (cost, number) for cost, number, name in totals} == {
        name: (own["cost_usd"], own["generations"]) for name, own in figures["by_generator"].items()
    }


def run(application: Application, runs: int) -> None:
    """Generate workflows with every fault in turn, and sometimes without one."""
    faults = [None, *Fault]
    patient = [fault for fault in faults if fault not in (Fault.HANG, Fault.DRIP)]
    replaced: UUID | None = None
    for number in range(runs):
        options = GenerationOptions(
            origin=("cli", "api", "platform")[number % 3],
            primary_fault=patient[number % len(patient)],
            replaces_generation_id=replaced if number % 5 == 0 else None,
        )
        try:
            replaced = application.orchestrator.generate_workflow(
                user_id=LOCAL_PERSON_ID,
                agent_id=f"agent-{number % 7}",
                prompt=f"When order {number} is late, tell Slack",
                services=["Slack"],
                options=options,
            ).generation_id
        except GenerationFailed:
            replaced = None


@pytest.mark.parametrize("runs", [60, pytest.param(10_000, marks=pytest.mark.long)])
def test_real_runs_with_faults(
    application: Application, store: PooledStore, owner: psycopg.Connection, runs: int
) -> None:
    """The report matches what the orchestrator records, in four time zones."""
    run(application, runs)

    check(
        store,
        owner,
        ZONES,
        ("all", "simulated", "real"),
        (NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=1)),
    )
    assert differences(owner) == {}


def test_a_failure_that_was_asked_for_is_in_no_judged_rate(
    application: Application, store: PooledStore, owner: psycopg.Connection
) -> None:
    """It says nothing about the model; its cost counts, and it is counted separately."""
    for fault in (None, Fault.RATE_LIMIT, Fault.BAD_STEP):
        application.orchestrator.generate_workflow(
            user_id=LOCAL_PERSON_ID, agent_id=None, prompt="Tell Slack", services=["Slack"],
            options=GenerationOptions(primary_fault=fault),
        )  # fmt: skip
    today = clock.system().date()
    figures = report(store, today - timedelta(days=1), today)

    assert (figures["generations"], figures["overridden"]) == (3, 2)
    assert figures["as_configured"]["fallback_rate_pct"] == 0
    assert figures["as_configured"]["by_generator"][MINI]["validation_success_pct"] == 100
    assert figures["wasted_cost_usd"] > 0
    assert differences(owner) == {}


def test_days_are_days_of_the_zone(store: PooledStore, owner: psycopg.Connection) -> None:
    """Events just before and at each midnight of a 25-hour day count on their own day."""
    midnight, next_midnight = (
        datetime.fromisoformat("2026-11-01T00:00-04:00"),
        datetime.fromisoformat("2026-11-02T00:00-05:00"),
    )
    minute = timedelta(minutes=1)
    append(owner, [generated(at) for at in (midnight - minute, midnight, next_midnight - minute, next_midnight)])
    days = [FIRST, date(2026, 11, 1), LAST]

    assert [report(store, day, day, "America/New_York")["generations"] for day in days] == [1, 2, 1]


def test_where_midnight_comes_twice_the_day_begins_with_the_first(
    store: PooledStore, owner: psycopg.Connection
) -> None:
    """In the Azores, clocks go back from 1:00 to 0:00; both hours belong to the new day."""
    first_midnight = datetime.fromisoformat("2026-10-25T00:00+00:00")
    append(
        owner, [generated(first_midnight + timedelta(minutes=30)), generated(first_midnight + timedelta(minutes=90))]
    )
    day = date(2026, 10, 25)

    assert report(store, day, day, "Atlantic/Azores")["generations"] == 2
