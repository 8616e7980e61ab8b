"""Sample data: its totals follow from the story, its events look like real ones, and it can be removed completely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from orchestrator import Application, GenerationOptions
from orchestrator.simulator import Fault
from queries.filters import Filters
from queries.period import period
from queries.records.stored import find_generation
from queries.report import read_report
from store import Conflict, InvalidInput
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.identity import LOCAL_PERSON_ID
from store.sample import PRICED_SINCE, add_sample_data, has_sample_data, remove_sample_data
from tests.conftest import SAMPLE, SAMPLE_UNTIL, PooledStore
from tests.queries.conftest import check, differences

UNTIL, DAYS, PER_DAY = SAMPLE_UNTIL, SAMPLE["days"], SAMPLE["per_day"]


@dataclass(frozen=True)
class Made:
    """A generation of the sample, as the story defines it."""

    kind: str
    reason: str | None
    generator: str
    cost_usd: Decimal
    wasted_usd: Decimal
    baseline_usd: Decimal


def story(days: int, per_day: int) -> Iterator[Made]:
    """Every generation, derived from the story alone."""
    outage, release, luna = (days * 2 // 3, days * 4 // 5, days * 9 // 10) if days >= 30 else (-9, -9, -9)
    for day in range(days):
        weekend = (UNTIL - timedelta(days=days - 1 - day)).isoweekday() > 5
        share = 35 if weekend else 100
        volume = per_day * share * (60 * (days - 1) + 40 * day) // (10_000 * (days - 1))
        for number in range(volume):
            done = Decimal(2 * number + 1) / (2 * volume)
            work_day = day - (done < Decimal("0.14"))
            down = day == outage and Decimal("0.56") <= done < Decimal("0.80")
            bad_prompt = release >= 0 and release <= work_day < release + 2
            trying = luna >= 0 and luna <= work_day < luna + 2
            claude_first = work_day < 0 or (release >= 0 and work_day == release + 2)
            calm = 62 - 24 * day // (days - 1)
            rate = 8 if claude_first else 1000 if down else 210 if bad_prompt else 130 if trying else calm
            nth = number * rate // 1000
            primary = "claude-sonnet-4" if claude_first else "gpt-6-luna" if trying else "gpt-4o-mini"
            fell_back = (number + 1) * rate // 1000 > nth
            yield _made(number, nth, primary, fell_back=fell_back, down=down, incident=bad_prompt or trying)


INVALID = "validation_failed"
CALM_REASONS = (
    INVALID, INVALID, "timeout", INVALID, "rate_limit", INVALID, INVALID, "api_error", "timeout", INVALID,
)  # fmt: skip


def _made(number: int, nth: int, primary: str, *, fell_back: bool, down: bool, incident: bool) -> Made:
    cancelled = number % 97 == 50
    reason = None
    if fell_back and not cancelled:
        rush = "timeout" if nth % 12 == 11 else "validation_failed"
        reason = "api_error" if down else rush if incident else CALM_REASONS[nth % 10]
    kind = "cancelled" if cancelled else "failed" if reason and nth % 25 == 24 else "completed"
    fallback = "gpt-4o-mini" if primary == "claude-sonnet-4" else "claude-sonnet-4"
    given = 1400 + 60 * (number % 5) + 35 * (number % 11)
    written = 220 * (3 + number * 7 % 9) + 13 * (number % 17)
    cut_short = written // 2 if reason == "timeout" or cancelled else written
    first = Decimal(0) if reason in ("api_error", "rate_limit") else _price(primary, given, cut_short)
    second = _price(fallback, given, written) if reason else Decimal(0)
    wasted = {"completed": first if reason else Decimal(0), "failed": first + second, "cancelled": first}[kind]
    baseline = _price("claude-sonnet-4", given, written)
    return Made(kind, reason, fallback if reason else primary, first + second, wasted, baseline)


def _price(model: str, given: int, written: int) -> Decimal:
    per_in, per_out = {"gpt-4o-mini": ("0.15", "0.60"), "gpt-6-luna": ("0.10", "0.50")}.get(model, ("3", "15"))
    return (given * Decimal(per_in) + written * Decimal(per_out)) / 1_000_000


def test_its_totals_follow_from_the_story(sample: PooledStore, owner: psycopg.Connection) -> None:
    """Counts by kind, reason and generator, and all money to the last digit; other time zones match a recount."""
    made = list(story(DAYS, PER_DAY))
    completed = [one for one in made if one.kind == "completed"]
    days = (UNTIL - timedelta(days=DAYS - 1), UNTIL)
    report = read_report(sample.person(), period(*days, "UTC"), Filters("simulated"))
    kinds = Counter(one.kind for one in made)

    assert report["generations"] == kinds["completed"]
    assert (report["failed"], report["cancelled"]) == (kinds["failed"], kinds["cancelled"])
    assert Counter(report["fallback_reasons"]) == Counter(one.reason for one in completed if one.reason)
    assert {name: own["generations"] for name, own in report["by_generator"].items()} == Counter(
        one.generator for one in completed
    )
    assert report["cost_usd"] == sum(one.cost_usd for one in completed)
    assert report["wasted_cost_usd"] == sum(one.wasted_usd for one in completed)
    assert report["baseline_cost_usd"] == sum(one.baseline_usd for one in completed)
    assert report["cost_failed_usd"] == sum(one.cost_usd for one in made if one.kind != "completed")
    check(sample, owner, ("Asia/Kathmandu",), ("all", "real"), (days[1] - timedelta(days=6), days[1]))
    assert differences(owner) == {}


def test_a_short_sample_has_no_incidents(store: PooledStore) -> None:
    """A week has calm days only."""
    list(add_sample_data(store.person(), days=7, per_day=50, until=UNTIL))
    report = read_report(store.person(), period(UNTIL - timedelta(days=6), UNTIL, "UTC"), Filters())

    assert report["generations"] == sum(one.kind == "completed" for one in story(7, 50))
    assert report["fallback_rate_pct"] < 7


def test_its_events_have_the_fields_of_real_ones(
    sample: PooledStore, owner: psycopg.Connection, application: Application
) -> None:
    """Both kinds of events have the same keys, for each action of a generation."""
    for fault in (None, Fault.BAD_STEP):
        application.orchestrator.generate_workflow(
            user_id=LOCAL_PERSON_ID,
            agent_id=None,
            prompt="Tell Slack",
            services=["Slack"],
            options=GenerationOptions(primary_fault=fault),
        )
    for action in ("WORKFLOW_GENERATED", "WORKFLOW_GENERATION_FALLBACK"):
        real, of_sample = _keys(owner, action, sample=False), _keys(owner, action, sample=True)
        assert of_sample - {"sample", "replaces_generation_id"} == real - {"rejected_output", "forced_fault"}, action
    attempt_keys = owner.execute("""
        select distinct (
            select string_agg(key, ' ' order by key) from jsonb_object_keys(details -> 'attempts' -> 0) as key
        )
        from public.audit_logs where action = 'WORKFLOW_GENERATED'
    """).fetchall()
    assert len(attempt_keys) == 1


def _keys(owner: psycopg.Connection, action: str, *, sample: bool) -> set[str]:
    rows = owner.execute(
        "select distinct jsonb_object_keys(details) from public.audit_logs"
        " where action = %s and (details ->> 'sample' is not null) = %s",
        [action, sample],
    )
    return {row[0] for row in rows}


def test_its_refused_answers_can_be_opened(sample: PooledStore, owner: psycopg.Connection) -> None:
    """Like those of any other generation, with the rejected text and the reason."""
    row = owner.execute(
        "select generation_id from public.workflows where sample and rejected_outputs <> '[]' limit 1"
    ).fetchone()
    assert row is not None
    run = find_generation(sample.person(), row[0])

    assert run is not None
    assert run.simulated
    assert run.rejected_outputs[0].text
    assert run.findings[0].code


def test_its_latest_runs_are_of_both_models(sample: PooledStore, owner: psycopg.Connection) -> None:
    """Most are by the primary model, as in the log, and each agrees with its event."""
    rows = owner.execute(
        "select run.generator_used, event.details ->> 'generator_used', run.pilot_steps is null"
        " from public.workflows as run"
        " left join public.audit_logs as event"
        " on event.details ->> 'generation_id' = run.generation_id::text and event.action = 'WORKFLOW_GENERATED'"
        " where run.sample order by run.started_at desc limit 50"
    ).fetchall()
    answered = [run for run, *_ in rows if run]

    assert len(rows) == 50
    assert answered.count("gpt-4o-mini") > 25
    assert all(run == event for run, event, unfinished in rows if not unfinished)


def test_it_is_removed_without_a_trace(
    sample: PooledStore, owner: psycopg.Connection, application: Application
) -> None:
    """Only an event about the removal remains; real generations stay, and the rollups agree with the rest."""
    application.orchestrator.generate_workflow(user_id=LOCAL_PERSON_ID, agent_id=None, prompt="Tell Slack", services=[])
    assert has_sample_data(sample.person())
    removed = remove_sample_data(sample.person())

    assert removed > 1000
    assert not has_sample_data(sample.person())
    actions = owner.execute("select action, details from public.audit_logs order by action").fetchall()
    assert [action for action, _ in actions] == ["SAMPLE_DATA_REMOVED", "WORKFLOW_GENERATED"]
    assert actions[0][1] == {"removed": removed}
    assert owner.execute("select count(*) from public.workflows").fetchone() == (1,)
    assert differences(owner) == {}


def test_a_second_sample_is_refused(sample: PooledStore) -> None:
    """Its totals would no longer follow from the story."""
    with pytest.raises(Conflict, match="remove it first"):
        next(add_sample_data(sample.person(), days=3, per_day=3))


@pytest.mark.parametrize(
    "numbers", [{"days": 0}, {"days": 600}, {"per_day": 0}, {"per_day": 10**7}, {"seed": -1}, {"seed": 2**31}]
)
def test_numbers_out_of_range_are_refused(store: PooledStore, numbers: dict[str, Any]) -> None:
    """Before anything is added."""
    with pytest.raises(InvalidInput, match=r"1 to 3,660 days|seed must be|at most 565 days"):
        next(add_sample_data(store.person(), until=date(2026, 11, 29), **numbers))


def test_no_day_of_the_sample_is_without_prices(owner: psycopg.Connection) -> None:
    """The first day allowed is the first on which both models of the sample have a price."""
    statement = """
        select max(since) from (
            select min(effective_from) as since from public.model_prices
            where model in ('gpt-4o-mini', 'claude-sonnet-4') group by model
        ) as first
    """
    assert owner.execute(statement).fetchone() == (PRICED_SINCE,)


def test_sample_rows_do_not_leave_the_log_alone(sample: PooledStore, owner: psycopg.Connection) -> None:
    """Not even the owner can delete them there: their counts would remain."""
    with pytest.raises(psycopg.Error, match="append-only"):
        owner.execute("delete from public.audit_logs where details ->> 'sample' = 'true'")
    remove_sample_data(sample.person())
    assert not has_sample_data(sample.person())
    with pytest.raises(psycopg.Error, match="append-only"):
        owner.execute("delete from public.audit_logs")


def test_what_is_being_added_is_removed_with_the_rest(
    store: PooledStore, owner: psycopg.Connection, server: Cluster, database_name: str
) -> None:
    """The removal waits for the insertion to finish; otherwise the counts of its events would remain."""
    events = "select * from private.sample_events(current_date, 3, 20, 1, 0, 0, 999)"
    with psycopg.connect(server.dsn(cluster.OWNER, database_name)) as adding, ThreadPoolExecutor() as threads:
        adding.execute(f"insert into public.audit_logs {events}".encode())
        removing = threads.submit(remove_sample_data, store.person())
        while owner.execute("select from pg_locks where not granted").fetchone() is None:
            assert not removing.done()
        adding.commit()
        assert removing.result() > 0

    assert not has_sample_data(store.person())
    assert differences(owner) == {}
