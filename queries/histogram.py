"""How long things took, as counts of latencies that each stand for all near them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


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


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """All of them as one."""
    counts: Counter[float] = Counter()
    for histogram in histograms:
        counts.update(dict(histogram.counts))
    return Histogram(tuple(sorted(counts.items())))
