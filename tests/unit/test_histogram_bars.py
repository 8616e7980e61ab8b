"""Histogram bars: whole buckets of the rollups."""

from __future__ import annotations

import math

from queries.histogram import bar_of, bounds_ms


def test_bars_leave_no_gap() -> None:
    """Each bar begins right after the end of the previous one; the first holds everything below a millisecond."""
    assert bar_of(0) == -1
    assert bounds_ms(-1)[0] == 0
    for bar in range(-1, 80):
        assert math.nextafter(bounds_ms(bar)[1], math.inf) == bounds_ms(bar + 1)[0]
