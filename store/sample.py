"""Adds sample data slice by slice, each a call and a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from pydantic import BaseModel

from store import clock
from store.answer import understood
from store.database import Database
from store.errors import InvalidInput

DAYS, PER_DAY, SEED = 90, 400, 1
"""What is added where nothing else is asked for: a quarter of a year."""

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
    """Add the sample, day after day; yields how many events were added so far, once for each day.

    Args:
        database: an admin's.
        days, per_day: days of at most this many generations, none before `PRICED_SINCE`; about three events come with
            each generation.
        until: the last day, UTC; by default yesterday.

    Raises:
        Conflict: there is sample data already.
        InvalidInput: a number is out of range.
        NotPermitted: this identity is no admin.
    """
    if not 0 <= seed <= _MOST_SEED:
        raise InvalidInput(f"The seed must lie between 0 and {_MOST_SEED:,}.")
    until, events = until or yesterday(), 0
    if (priced := (until - PRICED_SINCE).days + 1) < days:
        raise InvalidInput(
            f"Before {PRICED_SINCE} its models had no price: there are at most {priced:,} days of sample."
        )
    for day in range(max(days, 1)):  # the database refuses what is out of range
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
    """Remove all sample data and what was counted of it; how many events that were.

    Raises:
        NotPermitted: this identity is no admin.
        Unavailable: there is so much of it that the database's time limit passed; nothing was removed.
    """
    return understood(_Removed, database.call("remove_sample_data")).removed


def has_sample_data(database: Database) -> bool:
    """Whether there is any."""
    return understood(_Presence, database.call("has_sample_data")).present
