"""Adds sample data slice by slice, each in its own call and transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from pydantic import BaseModel

from store import clock
from store.answer import understood
from store.database import Database
from store.errors import InvalidInput

DAYS, PER_DAY, SEED = 90, 400, 1
"""The defaults: a quarter of a year."""

PRICED_SINCE = date(2025, 5, 14)
"""The first day on which both models of the sample had a price."""

_MOST_SEED = 2**31 - 1


class _Added(BaseModel):
    events: int
    more: bool


class _Removed(BaseModel):
    removed: int


class _Presence(BaseModel):
    present: bool


def yesterday() -> date:
    """The last whole day, UTC."""
    return clock.now().date() - timedelta(days=1)


def add_sample_data(
    database: Database, *, days: int = DAYS, per_day: int = PER_DAY, seed: int = SEED, until: date | None = None
) -> Iterator[int]:
    """Add the sample data day by day; after each day, yields the number of events added so far.

    Args:
        database: an admin's.
        days, per_day: the number of days, none before `PRICED_SINCE`, and the most generations per day; each
            generation has about three events.
        until: the last day, UTC; by default yesterday.

    Raises:
        Conflict: there is sample data already.
        InvalidInput: a number is out of range.
        NotPermitted: this identity is not an admin.
    """
    if not 0 <= seed <= _MOST_SEED:
        raise InvalidInput(f"The seed must be between 0 and {_MOST_SEED:,}.")
    until, events = until or yesterday(), 0
    if (priced := (until - PRICED_SINCE).days + 1) < days:
        raise InvalidInput(
            f"The sample data cannot start before {PRICED_SINCE}, when its models got a price: choose at most "
            f"{priced:,} days."
        )
    for day in range(max(days, 1)):  # the database rejects values out of range
        number, more = 0, True
        while more:
            answer = database.call(
                "add_sample_data",
                p_until=until.isoformat(),
                p_days=days,
                p_per_day=per_day,
                p_seed=seed,
                p_day=day,
                p_slice=number,
            )
            added = understood(_Added, answer)
            events, more, number = events + added.events, added.more, number + 1
        yield events


def remove_sample_data(database: Database) -> int:
    """Remove all sample data and its counts; returns the number of events removed.

    Raises:
        NotPermitted: this identity is not an admin.
        Unavailable: removing that much exceeded the database's time limit; nothing was removed.
    """
    return understood(_Removed, database.call("remove_sample_data")).removed


def has_sample_data(database: Database) -> bool:
    """Whether there is any sample data."""
    return understood(_Presence, database.call("has_sample_data")).present
