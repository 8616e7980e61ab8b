"""Latency buckets, which SQL assigns and Python reads."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from queries.histogram import bar_of, bounds_ms, latency_ms, position


@pytest.mark.parametrize("ms", ["1", "1.5", "2", "999", "1000", "5999.6", "60000", "86400000"])
def test_a_latency_is_near_what_stands_for_it(owner: psycopg.Connection, ms: str) -> None:
    """It also lies within its bar, both ends included, and at that place on the axis."""
    row = owner.execute("select private.latency_bucket(%s)", [Decimal(ms)]).fetchone()
    assert row
    bar = bar_of(row[0])
    begin, end = bounds_ms(bar)

    assert latency_ms(row[0]) == pytest.approx(float(ms), rel=0.0177)
    assert begin <= float(ms) <= end
    assert bar <= position(float(ms)) <= bar + 1


def test_less_than_a_millisecond_is_none(owner: psycopg.Connection) -> None:
    """Its bucket represents 0."""
    assert owner.execute("select private.latency_bucket(0.999)").fetchone() == (0,)
    assert latency_ms(0) == 0
