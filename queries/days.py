"""The figures of each day of a period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from queries.figures import Figures, Generations, Latencies
from queries.histogram import Histogram, merged
from queries.series import by_day
from queries.tally import Tally, tally


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """End-to-end latency of completed generations in ms; None if there are none.

    Attributes:
        avg: exact; p50, p95, p99: within 2 % of `percentile_cont`.
    """

    avg: float | None
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Day:
    """The figures of one day."""

    day: date
    total: Tally
    latency: LatencySummary


def days_of(figures: Figures, rows: Iterable[Generations], latencies: Iterable[Latencies]) -> tuple[Day, ...]:
    """Each day of the period, from these rows of its figures."""
    timed = dict(by_day(figures, latencies))
    return tuple(
        Day(day, own, summary(own, histogram(timed[day])))
        for day, own in ((day, tally(of_day)) for day, of_day in by_day(figures, rows))
    )


def histogram(rows: Iterable[Latencies]) -> Histogram:
    """The latencies of these rows as one histogram."""
    return merged(row.histogram for row in rows)


def summary(tallied: Tally, latencies: Histogram) -> LatencySummary:
    """The average from the tally and the percentiles from the histogram; both of the same generations."""
    average = tallied.average_latency_ms
    return LatencySummary(
        None if average is None else float(average),
        latencies.quantile(0.5),
        latencies.quantile(0.95),
        latencies.quantile(0.99),
    )
