"""Helpers that append events and compare the report with a recount of the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from queries.filters import Filters, Source
from queries.period import period
from queries.report import read_report
from store import exact_json
from tests.conftest import PooledStore
from tests.queries.events import read_log
from tests.queries.recount import percentile, recount

# New York sets its clocks back on 1 November.
BEGIN = datetime(2026, 10, 31, 3, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 31), date(2026, 11, 2)
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")


def append(connection: psycopg.Connection, events: Sequence[dict[str, Any]]) -> None:
    """Append events in one statement, as the recording functions do."""
    connection.execute("select private.append_events(%s::jsonb)", [exact_json(list(events))])


def check(
    store: PooledStore,
    owner: psycopg.Connection,
    zones: Sequence[str] = ZONES,
    sources: Sequence[Source] = ("all",),
    days: tuple[date, date] = (FIRST, LAST),
) -> None:
    """Compare every figure of the report with the recount: counts and money exactly, percentiles within 2 %."""
    rows = read_log(owner)
    for zone in zones:
        for source in sources:
            report = read_report(store.person(), period(*days, zone), Filters(source))
            expected = recount(rows, *days, zone, source)
            compare(report, expected)


def compare(report: dict[str, Any], expected: dict[str, Any]) -> None:
    """Assert that the report has every expected figure, and no other models."""
    for key, value in expected.items():
        if key == "latencies":
            close(report["latency_ms"], value)
        elif key == "by_generator":
            assert set(report[key]) == set(value)
            for name, figures in value.items():
                compare(report[key][name], figures)
        elif key == "as_configured":
            compare(report[key], value)
        else:
            assert report[key] == value, key


def close(figures: dict[str, float | None], latencies: list[float]) -> None:
    """Compare the average exactly, percentiles within 2 %."""
    if not latencies:
        assert set(figures.values()) == {None}
        return
    assert figures["avg"] == pytest.approx(sum(latencies) / len(latencies), abs=0.051)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        # Rounded to a tenth; anything below a millisecond counts as 0.
        assert figures[name] == pytest.approx(percentile(latencies, share), rel=0.02, abs=1)


def differences(owner: psycopg.Connection) -> dict[str, int]:
    """The differences that a rebuild finds."""
    row = owner.execute("select private.rebuild_rollups()").fetchone()
    assert row is not None
    found: dict[str, int] = row[0]["differences"]
    return found
