"""Latency histograms: counts of buckets that each hold similar latencies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_GROWTH = 1.036
"""The ratio of the upper bounds of neighbouring buckets in the rollups. Bucket 1 ends at 1 ms, bucket 0 holds anything
below. See `private.latency_bucket`."""
_BUCKETS = 4
"""Buckets per bar of a chart; each bar is 15 % wider than the previous one."""
_BELOW_ONE = math.nextafter(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket.

    Attributes:
        counts: (bucket, how many) in ascending order.
    """

    counts: tuple[tuple[int, int], ...] = ()

    @property
    def total(self) -> int:
        """The number of latencies."""
        return sum(count for _, count in self.counts)

    def quantile(self, share: float) -> float | None:
        """The latency in ms below which this share of all latencies lies; None if there are none.

        Like `percentile_cont`: rank share x (n - 1), interpolated linearly between the two neighbouring ranks.
        """
        total = self.total
        if not total:
            return None
        rank = share * (total - 1)
        below = self._at(math.floor(rank))
        return below + (self._at(math.ceil(rank)) - below) * (rank - math.floor(rank))

    def _at(self, rank: int) -> float:
        passed = 0
        for bucket, count in self.counts:
            passed += count
            if rank < passed:
                return latency_ms(bucket)
        return latency_ms(self.counts[-1][0])


def latency_ms(bucket: int) -> float:
    """The latency that represents a bucket, within 1.77 % of any latency in it; 0 for less than a millisecond.

    With bounds a and b it is 2ab / (a + b), as in DDSketch.
    """
    return 2 * _GROWTH ** (bucket - 1) / (1 + _GROWTH) if bucket else 0.0


def bar_of(bucket: int) -> int:
    """The bar that holds a bucket; -1 for less than a millisecond."""
    return (bucket - 1) // _BUCKETS


def bounds_ms(bar: int) -> tuple[float, float]:
    """The lowest and the highest latency of a bar in ms, both included."""
    begin, end = (_GROWTH ** (_BUCKETS * place - 1) for place in (bar, bar + 1))
    return (0.0 if bar < 0 else 1.0 if bar == 0 else math.nextafter(begin, end)), (end if bar >= 0 else _BELOW_ONE)


def position(ms: float) -> float:
    """Where a latency lies on an axis of bars; bars begin at whole numbers."""
    return (math.log(ms, _GROWTH) + 1) / _BUCKETS


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """All histograms merged into one."""
    counts: Counter[int] = Counter()
    for histogram in histograms:
        counts.update(dict(histogram.counts))
    return Histogram(tuple(sorted(counts.items())))
