"""Everything a page reads for 30 days, compared with DuckDB over typed columns and with SQL over the log itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.database import Log, empty_log
from benchmarks.duck import PAGES, Duck
from benchmarks.measure import Comparison, compare
from pages.parts.frame import menu
from queries.cost import read_cost
from queries.fallbacks import read_fallbacks
from queries.filters import Filters
from queries.latency import read_latency
from queries.period import Period, latest
from store import clock

_READS: dict[str, Callable[..., object]] = {
    "cost": read_cost,
    "fallbacks": read_fallbacks,
    "latency": read_latency,
}
_ALL = Filters("all")

# The two statements from docs/figures.md that anybody may run against the log.
_FALLBACK_RATE = b"""
select count(*) filter (where details->>'fallback_reason' is not null) * 100.0 / count(*) as fallback_rate
from audit_logs where action = 'WORKFLOW_GENERATED' and timestamp > now() - interval '7 days'
"""
_TOTALS = b"""
select sum((details->>'cost_usd')::decimal) as total_cost, count(*) as total_workflows,
    details->>'generator_used' as generator
from audit_logs where action = 'WORKFLOW_GENERATED' group by generator
"""


def measure(rows: int) -> Iterator[Comparison]:
    """Every comparison, with this many generations over 90 days."""
    with empty_log() as log, tempfile.TemporaryDirectory() as folder:
        log.fill(rows)
        now = clock.now()
        yield from _against_duckdb(log, Duck(log, Path(folder)), latest(30, "UTC", now))
        yield from _against_the_log(log, latest(7, "UTC", now), latest(91, "UTC", now))


def _against_duckdb(log: Log, duck: Duck, period: Period) -> Iterator[Comparison]:
    total = read_cost(log.reader, period, _ALL).total
    answers = duck.ask(PAGES["cost"], period.begins, period.ends)
    counted = sum(row[2] for row in answers), sum(row[3] for row in answers)
    if counted != (total.completed, total.cost_usd):
        raise RuntimeError(f"DuckDB counts {counted}, the console {total.completed} and {total.cost_usd}.")
    titles = {entry.address: entry.title for entry in menu.PAGES}
    for page, read in _READS.items():
        yield compare(
            f"{titles[page]}, 30 days",
            partial(read, log.reader, period, _ALL),
            "DuckDB, this and the previous period",
            partial(duck.ask, PAGES[page], period.before.begins, period.ends),
        )


def _against_the_log(log: Log, week: Period, everything: Period) -> Iterator[Comparison]:
    for what, period, statement in (
        ("Fallback rate, 7 days", week, _FALLBACK_RATE),
        ("Cost by model, all of it", everything, _TOTALS),
    ):
        yield compare(
            what,
            partial(read_cost, log.reader, period, _ALL),
            "SQL over the log",
            partial(_asked, log, statement),
            rounds=3,
        )


def _asked(log: Log, statement: bytes) -> list[tuple[object, ...]]:
    return log.owner.execute(statement).fetchall()
