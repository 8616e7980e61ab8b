"""Days of a time zone as instants in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from queries.errors import InvalidPeriod
from queries.period import latest, month, period, today_in


def hours(first: str, zone: str, count: int = 1) -> list[float]:
    """The length of some days in hours."""
    day = date.fromisoformat(first)
    bounds = period(day, day + timedelta(days=count - 1), zone).bounds
    return [(end - begin).total_seconds() / 3600 for begin, end in pairwise(bounds)]


def test_a_day_begins_at_its_own_midnight() -> None:
    """Kathmandu is 5:45 ahead of UTC."""
    days = period(date(2026, 11, 25), date(2026, 11, 25), "Asia/Kathmandu")

    assert days.begins == datetime(2026, 11, 24, 18, 15, tzinfo=UTC)
    assert days.ends - days.begins == timedelta(days=1)


@pytest.mark.parametrize(
    ("first", "zone", "expected"),
    [
        ("2026-03-08", "America/New_York", 23),
        ("2026-11-01", "America/New_York", 25),
        ("2026-10-25", "Atlantic/Azores", 25),  # 0:00 occurs twice
        ("2026-04-24", "Africa/Cairo", 23),  # 0:00 does not occur
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
        ("2011-12-30", "Pacific/Apia", 0),  # the day that was skipped
    ],
)
def test_days_are_as_long_as_their_clocks_say(first: str, zone: str, expected: float) -> None:
    """Clock changes make days shorter or longer, and one day never existed."""
    assert hours(first, zone) == [expected]


def test_the_period_before_is_as_long_in_days() -> None:
    """Thirty days are compared with the thirty days before."""
    before = period(date(2026, 11, 1), date(2026, 11, 30), "UTC").before

    assert (before.first, before.last) == (date(2026, 10, 2), date(2026, 10, 31))


def test_today_is_the_zones_own() -> None:
    """East of Greenwich it may already be tomorrow."""
    evening = datetime(2026, 11, 25, 20, 43, tzinfo=UTC)
    assert (today_in("Asia/Tokyo", evening), today_in("UTC", evening)) == (date(2026, 11, 26), date(2026, 11, 25))
    with pytest.raises(InvalidPeriod, match="no time zone"):
        today_in("Foo/Bar", evening)


def test_the_latest_days_end_with_today_there() -> None:
    """In Auckland it is already tomorrow."""
    days = latest(7, "Pacific/Auckland", datetime(2026, 11, 25, 12, 0, tzinfo=UTC))

    assert (days.first, days.last) == (date(2026, 11, 20), date(2026, 11, 26))


@pytest.mark.parametrize(
    ("back", "first", "last"),
    [(0, "2026-03-01", "2026-03-31"), (1, "2026-02-01", "2026-02-28"), (3, "2025-12-01", "2025-12-31")],
)
def test_months_are_those_of_the_zone(back: int, first: str, last: str) -> None:
    """In New York it is still March; the current month ends with today."""
    days = month(back, "America/New_York", datetime(2026, 4, 1, 2, 0, tzinfo=UTC))

    assert (days.first.isoformat(), days.last.isoformat()) == (first, last)


@pytest.mark.parametrize(
    ("first", "last", "zone", "sentence"),
    [
        ("2026-11-02", "2026-11-01", "UTC", "before it begins"),
        ("2010-01-01", "2026-11-01", "UTC", "longer than 3,660 days"),
        ("0001-01-01", "0001-01-02", "UTC", "must lie between"),
        ("9998-01-01", "9998-01-02", "UTC", "must lie between"),
        ("2026-11-01", "2026-11-02", "Mars/Olympus", "no time zone"),
        ("2026-11-01", "2026-11-02", "../../etc/passwd", "no time zone"),
        ("2026-11-01", "2026-11-02", "", "no time zone"),
    ],
)
def test_what_is_no_period_is_refused(first: str, last: str, zone: str, sentence: str) -> None:
    """The message is one sentence."""
    with pytest.raises(InvalidPeriod, match=sentence):
        period(date.fromisoformat(first), date.fromisoformat(last), zone)
