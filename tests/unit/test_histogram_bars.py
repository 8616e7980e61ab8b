"""Bars of a histogram: whole buckets of the rollups."""

from __future__ import annotations

import math

import pytest

from queries.histogram import bar_of, bounds_ms, position


def representative(ms: float) -> float:
    """As `private.bucket_latency` says of the bucket of a latency."""
    return 2 * 1.036 ** math.ceil(math.log(ms, 1.036)) / 2.036


@pytest.mark.parametrize("ms", [1, 1.5, 2, 999, 1000, 5999.6, 60_000, 86_400_000])
def test_a_latency_lies_within_its_bar(ms: float) -> None:
    """Both ends included, and the axis puts it there."""
    bar = bar_of(representative(ms))
    begin, end = bounds_ms(bar)

    assert begin <= ms <= end
    assert bar <= position(ms) <= bar + 1


def test_bars_leave_no_gap() -> None:
    """Each begins with the next number after the end of the one before; the first holds all below a millisecond."""
    assert bar_of(0) == -1
    assert bounds_ms(-1)[0] == 0
    for bar in range(-1, 80):
        assert math.nextafter(bounds_ms(bar)[1], math.inf) == bounds_ms(bar + 1)[0]
