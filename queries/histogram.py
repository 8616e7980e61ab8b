"""How long things took, as counts of latencies that each stand for all near them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_GROWTH = 1.036
"""By how much each bucket of the rollups ends beyond the one before; the first ends at 1 ms.
See `private.latency_bucket`."""
_BUCKETS = 4
"""Buckets in a bar, which is 15 % longer than the one before."""
_BELOW_ONE = math.nextafter(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by latency.

    Attributes:
        counts: (milliseconds, how many) in ascending order; each latency within 1.77 % of those it stands for.
    """

    counts: tuple[tuple[float, int], ...] = ()

    @property
    def total(self) -> int:
        """How many latencies there are."""
        return sum(count for _, count in self.counts)

    def quantile(self, share: float) -> float | None:
        """The latency in ms below which this share of all lies; None of none.

        As `percentile_cont`: rank share x (n - 1), between the two ranks next to it in proportion.
        """
        total = self.total
        if not total:
            return None
        rank = share * (total - 1)
        below = self._at(math.floor(rank))
        return below + (self._at(math.ceil(rank)) - below) * (rank - math.floor(rank))

    def _at(self, rank: int) -> float:
        passed = 0
        for latency_ms, count in self.counts:
            passed += count
            if rank < passed:
                return latency_ms
        return self.counts[-1][0]


def bar_of(latency_ms: float) -> int:
    """The bar that holds the bucket for which a latency of a histogram stands; -1 for less than a millisecond."""
    if not latency_ms:
        return -1
    return round(math.log(latency_ms * (1 + _GROWTH) / 2, _GROWTH)) // _BUCKETS


def bounds_ms(bar: int) -> tuple[float, float]:
    """Where a bar begins and ends, both included, in ms."""
    begin, end = (_GROWTH ** (_BUCKETS * place - 1) for place in (bar, bar + 1))
    return (0.0 if bar < 0 else 1.0 if bar == 0 else math.nextafter(begin, end)), (end if bar >= 0 else _BELOW_ONE)


def position(ms: float) -> float:
    """Where a latency lies among the bars: whole numbers are their beginnings."""
    return (math.log(ms, _GROWTH) + 1) / _BUCKETS


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """All of them as one."""
    counts: Counter[float] = Counter()
    for histogram in histograms:
        counts.update(dict(histogram.counts))
    return Histogram(tuple(sorted(counts.items())))
