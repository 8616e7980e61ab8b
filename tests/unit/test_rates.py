"""Rates, and how much a few cases prove."""

from __future__ import annotations

import pytest

from queries.histogram import Histogram, latency_ms, merged
from queries.rates import Rate


def test_a_share_of_nothing_is_unknown() -> None:
    """It is neither 0 % nor 100 %."""
    assert Rate(0, 0).pct is None
    assert Rate(0, 0).interval_pct is None


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # As computed by statsmodels' proportion_confint(part, whole, method="wilson").
    [(3, 3, 43.85, 100.0), (0, 10, 0.0, 27.75), (95, 100, 88.82, 97.85), (9500, 10_000, 94.56, 95.41)],
)
def test_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    """Three out of three prove nothing; ten thousand out of ten thousand do."""
    interval = Rate(part, whole).interval_pct

    assert interval is not None
    assert list(interval) == pytest.approx([low, high], abs=0.01)


def test_quantiles_lie_between_their_ranks() -> None:
    """The result is the same as with percentile_cont."""
    histogram = Histogram(((70, 1), (90, 2), (120, 1)))
    low, middle, high = (latency_ms(bucket) for bucket, _ in histogram.counts)

    assert [histogram.quantile(share) for share in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx(
        [low, low + 0.75 * (middle - low), middle, middle + 0.25 * (high - middle), high]
    )
    assert Histogram().quantile(0.5) is None


def test_histograms_merge() -> None:
    """The counts of equal buckets are added."""
    assert merged([Histogram(((1, 2),)), Histogram(((1, 1), (3, 1)))]).counts == ((1, 3), (3, 1))
    assert merged([]).total == 0
