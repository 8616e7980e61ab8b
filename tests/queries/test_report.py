"""The report on logs that tell a story: the golden case, real runs with faults, other systems, two writers at once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from orchestrator import Application, GenerationFailed, RunOptions
from orchestrator.models import BASELINE
from orchestrator.simulator import Fault
from queries.filters import Filters
from queries.period import period
from queries.report import read_report
from store import cluster, exact_json
from store.cluster import Cluster
from store.identity import LOCAL_PERSON_ID
from tests.conftest import NOW, PooledStore
from tests.queries.conftest import BEGIN, FIRST, LAST, ZONES, append, check, differences

MINI, CLAUDE = "gpt-4o-mini", "claude-sonnet-4"


def report(store: PooledStore, first: date = FIRST, last: date = LAST, zone: str = "UTC") -> dict[str, Any]:
    """The report of some days, whatever the source."""
    return read_report(store.person(), period(first, last, zone), Filters())


def elsewhere(action: str, at: datetime, details: dict[str, Any], agent: str = "a-1") -> dict[str, Any]:
    """An event of another system."""
    return {
        "id": uuid4(),
        "timestamp": at,
        "action": action,
        "entity_type": "agent",
        "entity_id": agent,
        "details": details,
    }


def generated(at: datetime, generator: str = MINI, agent: str = "a-1", **details: Any) -> dict[str, Any]:
    """A workflow that another system made."""
    made = {"generator_used": generator, "cost_usd": Decimal("0.0012"), "tokens_used": {"input": 2000, "output": 1500}}
    return elsewhere("WORKFLOW_GENERATED", at, made | details, agent)


def executed(at: datetime, *, good: bool = True, agent: str = "a-1") -> dict[str, Any]:
    """A run of an agent."""
    return elsewhere(f"AGENT_EXECUTION_{'COMPLETED' if good else 'FAILED'}", at, {}, agent)


def rated(at: datetime, generation_id: UUID, score: object) -> dict[str, Any]:
    """A user's verdict."""
    return elsewhere("WORKFLOW_RATED", at, {"generation_id": generation_id, "score": score})


def execution_success(store: PooledStore) -> dict[str, float | None]:
    """Share of successful runs by generator."""
    return {name: figures["execution_success_pct"] for name, figures in report(store)["by_generator"].items()}


def test_the_golden_case(store: PooledStore, owner: psycopg.Connection) -> None:
    """10,000 workflows of 2,000 + 1,500 tokens, 5 % after a whole wasted answer: 26.25 against 285.00 dollars."""

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
    """Both give what the report gives for all sources."""
    now = datetime.now(BEGIN.tzinfo)
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
    """Generate with every fault in turn, and sometimes without."""
    faults = [None, *Fault]
    patient = [fault for fault in faults if fault not in (Fault.HANG, Fault.DRIP)]
    replaced: UUID | None = None
    for number in range(runs):
        options = RunOptions(
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
    """What the orchestrator books is what the report says, in four time zones."""
    run(application, runs)

    check(
        store,
        owner,
        ZONES,
        ("all", "simulated", "real"),
        (NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=1)),
    )
    assert differences(owner) == {}


def test_days_are_days_of_the_zone(store: PooledStore, owner: psycopg.Connection) -> None:
    """An event a minute before and after each midnight of a day that is 25 hours long falls into its own day."""
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
    """In the Azores clocks go back from 1:00 to 0:00; both hours belong to the new day."""
    first_midnight = datetime.fromisoformat("2026-10-25T00:00+00:00")
    append(
        owner, [generated(first_midnight + timedelta(minutes=30)), generated(first_midnight + timedelta(minutes=90))]
    )
    day = date(2026, 10, 25)

    assert report(store, day, day, "Atlantic/Azores")["generations"] == 2


def test_other_systems_are_priced_by_day(store: PooledStore, owner: psycopg.Connection) -> None:
    """Baseline and waste follow from the tokens; nothing is known before a model had a price."""
    append(owner, [generated(BEGIN, cost_usd=Decimal("0.0020"), fallback_reason="Request timed out")])
    figures = report(store)

    assert figures["baseline_cost_usd"] == Decimal("0.0285")
    assert figures["wasted_cost_usd"] == Decimal("0.0008")
    assert figures["fallback_reasons"]["timeout"] == 1
    append(owner, [generated(datetime(2024, 7, 1, tzinfo=BEGIN.tzinfo))])
    early = report(store, date(2024, 7, 1), date(2024, 7, 1))
    assert (early["baseline_cost_usd"], early["savings_usd"], early["wasted_cost_usd"]) == (None, None, None)
    assert early["cost_usd"] == Decimal("0.0012")
    assert early["left_out"]["without_baseline"] == 1


@pytest.mark.parametrize(
    "details",
    [
        None,
        [],
        7,
        "text",
        {},
        {"cost_usd": -5, "generator_used": MINI},
        {"cost_usd": "NaN", "generator_used": MINI},
        {"cost_usd": 1e300, "generator_used": MINI},
        {"cost_usd": 1, "generator_used": {"a": 1}},
        {"cost_usd": 1, "generator_used": MINI, "generation_time_ms": -1},
        {"cost_usd": 1, "generator_used": MINI, "generation_id": "g", "attempts": 7},
        {"cost_usd": 1, "generator_used": MINI, "generation_id": "g", "attempts": [[{}]]},
        {"cost_usd": 1, "generator_used": MINI, "wasted_cost_usd": 2},
    ],
    ids=range(13),
)
def test_what_cannot_be_read_is_counted_as_such(store: PooledStore, owner: psycopg.Connection, details: object) -> None:
    """The event is a generation all the same, and the report says that some field of it made no sense."""
    owner.execute(
        "insert into public.audit_logs (timestamp, action, details) values (%s, 'WORKFLOW_GENERATED', %s::jsonb)",
        [BEGIN, None if details is None else exact_json(details)],
    )
    figures = report(store)

    assert (figures["generations"], figures["left_out"]["unreadable"]) == (1, 1)
    assert differences(owner) == {}


def test_an_unknown_cost_is_not_zero(store: PooledStore, owner: psycopg.Connection) -> None:
    """It is null while nothing else is known, and in no average afterwards."""
    append(owner, [generated(BEGIN, cost_usd=None), generated(BEGIN, cost_usd=None)])
    unknown = report(store)
    append(owner, [generated(BEGIN, cost_usd=Decimal("0.0012"))])
    known = report(store)

    assert (unknown["cost_usd"], unknown["cost_per_workflow_usd"]) == (None, None)
    assert unknown["by_generator"][MINI]["cost_usd"] is None
    assert (known["cost_usd"], known["cost_per_workflow_usd"]) == (Decimal("0.0012"), Decimal("0.0012"))
    assert known["left_out"]["without_cost"] == 2


@pytest.mark.parametrize("at", [None, "infinity", "-infinity", "0001-01-01 00:00:00+00 BC", "294276-12-31"])
def test_an_event_of_no_time_is_counted_as_such(store: PooledStore, owner: psycopg.Connection, at: str | None) -> None:
    """It belongs to no period, and every report mentions it."""
    owner.execute(
        "insert into public.audit_logs (timestamp, action) values (%s::timestamptz, 'WORKFLOW_GENERATED')",
        [at],
    )
    figures = report(store)

    assert (figures["generations"], figures["left_out"]["undated"]) == (0, 1)
    assert differences(owner) == {}


def test_a_clock_ten_years_ahead_changes_nothing_today(store: PooledStore, owner: psycopg.Connection) -> None:
    """Its day has it, and no other."""
    append(owner, [generated(BEGIN.replace(year=2036)), generated(BEGIN)])

    assert report(store)["generations"] == 1
    assert report(store, date(2036, 10, 31), date(2036, 10, 31))["generations"] == 1


def test_an_empty_log_has_no_rates(store: PooledStore) -> None:
    """Null, never 0 %."""
    figures = report(store)

    assert (figures["generations"], figures["cost_usd"], figures["by_generator"]) == (0, 0, {})
    assert figures["fallback_rate_pct"] is None
    assert figures["success_rate_pct"] is None
    assert set(figures["latency_ms"].values()) == {None}


def test_a_run_is_judged_by_the_latest_workflow_before_it(store: PooledStore, owner: psycopg.Connection) -> None:
    """Also when the workflow's event arrives after the run's."""
    hour = timedelta(hours=1)
    append(owner, [executed(BEGIN + 5 * hour), executed(BEGIN + hour, good=False)])
    assert execution_success(store) == {"unknown": 50.0}
    append(owner, [generated(BEGIN, MINI)])
    assert execution_success(store) == {MINI: 50.0}
    append(owner, [generated(BEGIN + 2 * hour, CLAUDE)])
    assert execution_success(store) == {MINI: 0.0, CLAUDE: 100.0}
    append(owner, [generated(BEGIN + 5 * hour, MINI)])
    assert execution_success(store) == {MINI: 0.0, CLAUDE: 100.0}
    assert differences(owner) == {}


def test_a_rating_finds_its_workflow_whichever_came_first(store: PooledStore, owner: psycopg.Connection) -> None:
    """And a score that is neither 0 nor 1 is no rating."""
    generation_id = uuid4()
    append(owner, [rated(BEGIN, generation_id, 1), rated(BEGIN, generation_id, 0), rated(BEGIN, generation_id, 0.5)])
    append(owner, [generated(BEGIN, CLAUDE, generation_id=generation_id, attempts=[])])
    figures = report(store)

    assert figures["by_generator"][CLAUDE]["satisfaction_pct"] == 50.0
    assert figures["left_out"]["unreadable"] == 1
    check(store, owner)


def test_writers_at_once(store: PooledStore, owner: psycopg.Connection, server: Cluster, database_name: str) -> None:
    """Generations and runs of the same agents from eight connections, batches and single events: nothing deadlocks,
    nothing is missed, and every run finds its workflow."""
    numbers = count()

    def write(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - for variety, not for secrets
        with psycopg.connect(server.dsn(cluster.OWNER, database_name), autocommit=True) as connection:
            for _ in range(25):
                batch = []
                for _ in range(chance.choice([1, 1, 5, 40])):
                    at = BEGIN + timedelta(minutes=next(numbers) % 600)
                    agent = f"a-{chance.randrange(4)}"
                    batch.append(
                        chance.choice([generated(at, chance.choice([MINI, CLAUDE]), agent), executed(at, agent=agent)])
                    )
                append(connection, batch)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    check(store, owner, ["UTC"])
    assert differences(owner) == {}


def test_a_rollup_that_was_tampered_with_is_found_and_mended(store: PooledStore, owner: psycopg.Connection) -> None:
    """By the rebuild, which says where."""
    append(owner, [generated(BEGIN)])
    owner.execute("update public.generation_rollups set cost_usd = 7 where grain = 15")
    assert differences(owner) == {"generation_rollups": 2}

    assert report(store)["cost_usd"] == Decimal("0.0012")
    assert differences(owner) == {}


def test_the_baseline_has_one_name(owner: psycopg.Connection) -> None:
    """In Python and in SQL."""
    assert owner.execute("select private.baseline_model()").fetchone() == (BASELINE.name,)
