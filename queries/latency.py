"""How long do people wait?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from queries.days import Day, LatencySummary, days_of, histogram, summary
from queries.figures import Attempts, Figures, Generations, Latencies, read_figures
from queries.filters import Filters
from queries.histogram import bar_of, bounds_ms
from queries.period import Period
from queries.series import before, by_day, by_generator, now
from queries.tally import REASONS, tally
from store import Database


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """The latencies of a period's completed generations.

    Attributes:
        timed: how many of the generations have a known latency; all latency figures are based on these.
        by_generator: generator, timed, avg_ms, p50_ms, p95_ms, p99_ms.
        daily: the same with `day` in front; a generator has no row for a day on which it did not answer.
        distribution: generator, bar (see `queries.histogram.bar_of`), from_ms, to_ms (both included), timed.
        days: the figures of each day.
        lost: time spent on failed attempts, most first: model, outcome, attempts, timed (how many have a known
            duration), lost_ms (the sum of these; None if there are none).
    """

    figures: Figures
    total: LatencySummary
    before: LatencySummary
    generations: int
    timed: int
    by_generator: pd.DataFrame
    daily: pd.DataFrame
    distribution: pd.DataFrame
    days: tuple[Day, ...]
    lost: pd.DataFrame


def read_latency(database: Database, period: Period, filters: Filters, generator: str | None = None) -> LatencyReport:
    """The latency report of a period, limited to one generator if given.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations", "latencies", "attempts", "changes"))
    rows = [row for row in figures.generations if generator is None or row.generator == generator]
    latencies = [row for row in figures.latencies if generator is None or row.generator == generator]
    total = tally(now(rows))
    per_day = dict(by_day(figures, latencies))
    daily = [
        (day, *record)
        for day, of_day in by_day(figures, rows)
        for record in _by_generator(of_day, per_day[day])
    ]  # fmt: skip
    columns = ["generator", "timed", "avg_ms", "p50_ms", "p95_ms", "p99_ms"]
    return LatencyReport(
        figures,
        summary(total, histogram(now(latencies))),
        summary(tally(before(rows)), histogram(before(latencies))),
        total.completed,
        total.timed,
        pd.DataFrame(_by_generator(total.rows, now(latencies)), columns=columns, dtype=object),
        pd.DataFrame(daily, columns=["day", *columns], dtype=object),
        _distribution(now(latencies)),
        days_of(figures, rows, latencies),
        _lost(row for row in now(figures.attempts) if generator is None or row.model == generator),
    )


def _by_generator(rows: Iterable[Generations], latencies: list[Latencies]) -> list[tuple[object, ...]]:
    records: list[tuple[object, ...]] = []
    for name, own in by_generator(rows):
        figures = summary(own, histogram(row for row in latencies if row.generator == name))
        records.append((name, own.timed, figures.avg, figures.p50, figures.p95, figures.p99))
    return records


def _distribution(latencies: list[Latencies]) -> pd.DataFrame:
    counts: dict[tuple[str | None, int], int] = {}
    for row in latencies:
        for bucket, count in row.histogram.counts:
            key = row.generator, bar_of(bucket)
            counts[key] = counts.get(key, 0) + count
    ordered = sorted(counts.items(), key=lambda item: (str(item[0][0]), item[0][1]))
    records = [(name, bar, *bounds_ms(bar), count) for (name, bar), count in ordered]
    return pd.DataFrame(records, columns=["generator", "bar", "from_ms", "to_ms", "timed"], dtype=object)


def _lost(attempts: Iterable[Attempts]) -> pd.DataFrame:
    kinds: dict[tuple[str | None, str], list[Attempts]] = {}
    for row in attempts:
        if row.outcome in REASONS:
            kinds.setdefault((row.model, row.outcome), []).append(row)
    records = []
    for kind, rows in kinds.items():
        timed = sum(row.timed for row in rows)
        lost_ms = float(sum(row.duration_ms for row in rows)) if timed else None
        records.append((*kind, sum(row.attempts for row in rows), timed, lost_ms))
    records.sort(key=lambda record: -(record[4] or 0))
    return pd.DataFrame(records, columns=["model", "outcome", "attempts", "timed", "lost_ms"], dtype=object)
