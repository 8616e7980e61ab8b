"""How long do people wait?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from queries.figures import Latencies
from queries.histogram import Histogram, merged
from queries.tally import Tally


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """End to end, of completed generations, in ms; None of none.

    Attributes:
        avg: exact; p50, p95, p99: within 2 % of `percentile_cont`.
    """

    avg: float | None
    p50: float | None
    p95: float | None
    p99: float | None


def histogram(rows: Iterable[Latencies]) -> Histogram:
    """The latencies of these rows as one histogram."""
    return merged(row.histogram for row in rows)


def summary(tallied: Tally, latencies: Histogram) -> LatencySummary:
    """The figures of the same generations, counted in two ways."""
    average = tallied.average_latency_ms
    return LatencySummary(
        None if average is None else float(average),
        latencies.quantile(0.5),
        latencies.quantile(0.95),
        latencies.quantile(0.99),
    )
