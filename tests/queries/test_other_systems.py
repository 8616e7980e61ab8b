"""Events of other systems, and events that cannot be read."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import psycopg
import pytest

from queries.fallbacks import read_fallbacks
from queries.filters import Filters
from queries.period import period
from store import exact_json
from tests.conftest import PooledStore
from tests.queries.conftest import BEGIN, FIRST, LAST, append, differences
from tests.queries.stories import MINI, elsewhere, generated, generation, report


def test_other_systems_are_priced_by_day(store: PooledStore, owner: psycopg.Connection) -> None:
    """Baseline and waste follow from the tokens; both are unknown before the model had a price."""
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
    """The event still counts as a generation, and the report says that one of its fields is unreadable."""
    owner.execute(
        "insert into public.audit_logs (timestamp, action, details) values (%s, 'WORKFLOW_GENERATED', %s::jsonb)",
        [BEGIN, None if details is None else exact_json(details)],
    )
    figures = report(store)

    assert (figures["generations"], figures["left_out"]["unreadable"]) == (1, 1)
    assert differences(owner) == {}


@pytest.mark.parametrize(
    ("details", "name"),
    [
        ({"generator_used": 5}, "5"),
        ({"generator_used": None, "generator": " o3 "}, "o3"),
        ({"generator_used": "[o3]"}, "unknown"),
        ({"generator_used": ["o3"]}, "unknown"),
        ({"generator_used": "x" * 101}, "unknown"),
        ({"generator_used": "a\tb"}, "unknown"),
        ({"generator_used": " "}, "unknown"),
    ],
    ids=range(7),
)
def test_a_name_is_one_short_line(
    store: PooledStore, owner: psycopg.Connection, details: dict[str, object], name: str
) -> None:
    """Any JSON type but a list or an object is accepted; anything that is not a name counts as unreadable."""
    append(owner, [elsewhere("WORKFLOW_GENERATED", BEGIN, {"cost_usd": 1, **details}) for _ in range(2)])
    figures = report(store)

    assert [(model, of_model["generations"]) for model, of_model in figures["by_generator"].items()] == [(name, 2)]
    assert figures["left_out"]["unreadable"] == (2 if name == "unknown" else 0)
    assert differences(owner) == {}


def test_a_rule_refuses_a_reply_once(store: PooledStore, owner: psycopg.Connection) -> None:
    """It counts once, however often the reply broke the rule."""
    refused = {"model": MINI, "outcome": "validation_failed", "finding_codes": ["cycle", "cycle", "not_json"]}
    append(owner, [generation(reason="validation_failed", attempts=[refused]) for _ in range(3)])
    found = read_fallbacks(store.person(), period(FIRST, LAST, "UTC"), Filters("all")).findings

    assert found[["code", "attempts"]].to_numpy().tolist() == [["cycle", 3], ["not_json", 3]]


def test_an_unknown_cost_is_not_zero(store: PooledStore, owner: psycopg.Connection) -> None:
    """It is null while nothing else is known, and left out of averages afterwards."""
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
    """It belongs to no period, and every report counts it."""
    owner.execute(
        "insert into public.audit_logs (timestamp, action) values (%s::timestamptz, 'WORKFLOW_GENERATED')",
        [at],
    )
    figures = report(store)

    assert (figures["generations"], figures["left_out"]["undated"]) == (0, 1)
    assert differences(owner) == {}


def test_a_clock_ten_years_ahead_changes_nothing_today(store: PooledStore, owner: psycopg.Connection) -> None:
    """It counts on its own day and on no other."""
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
