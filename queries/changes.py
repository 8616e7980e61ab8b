"""Changes that may explain a figure, saves of the system keys and first uses of prompt versions, and their effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from queries.figures import QUARTER, Figures, KeyChange, read_bins
from queries.filters import Filters
from queries.period import begin_of
from queries.prompts import new_prompts
from queries.tally import Tally, tally
from store import Database

AROUND = timedelta(days=7)
"""How long before and after a change its effect is measured, unless another change comes in between."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        id: names it in an address.
        at: aware; for a prompt version, the beginning of the day on which it was first used.
        by: who saved the keys; None for a prompt version, which comes with a release, and if unknown.
        keys: the value of each changed key, as {before, after}; empty for a prompt version.
        prompt_version: None for a save of the keys.
        reason: in the words of the person who saved; None if nothing was said.
    """

    id: str
    at: datetime
    by: str | None
    keys: Mapping[str, Any]
    prompt_version: int | None
    reason: str | None
    sample: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """The generations of the days before a change and of those after it."""

    before: Tally
    after: Tally


def changes_in(figures: Figures) -> tuple[Change, ...]:
    """The changes that the figures know, newest first; those of the keys start three days before the period before."""
    zone = figures.period.zone
    prompts = (
        Change(f"prompt-{version}", begin_of(day, zone), None, {}, version, None, sample=False)
        for version, day in new_prompts(figures).items()
    )
    return tuple(sorted((*_saved(figures.changes), *prompts), key=lambda change: change.at, reverse=True))


def _saved(saves: Sequence[KeyChange]) -> Iterator[Change]:
    """The saves, each named by its second; further ones of the same second are numbered."""
    named = Counter[str]()
    for save in saves:
        second = f"{save.at.astimezone(UTC):%Y%m%dT%H%M%S}"
        named[second] += 1
        name = second if named[second] == 1 else f"{second}-{named[second]}"
        yield Change(name, save.at, save.by, save.changes, None, save.reason, save.sample)


def read_effects(database: Database, changes: Sequence[Change], filters: Filters, now: datetime) -> dict[str, Effect]:
    """The effect of each change by its id: up to seven days on both sides, no further than the changes next to it.

    The quarter of an hour in which a change was made is on neither side.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    sides = {change.id: side for change, side in zip(changes, _sides(changes, now), strict=True)}
    bounds = sorted({moment for side in sides.values() for moment in side})
    if len(bounds) < 2:
        return {}
    rows = read_bins(database, bounds, filters, ("generations",)).generations

    def between(begins: datetime, ends: datetime) -> Tally:
        return tally(row for row in rows if begins <= bounds[row.bin] < ends)

    return {
        name: Effect(between(begins, until), between(since, ends))
        for name, (begins, until, since, ends) in sides.items()
    }


def _sides(changes: Sequence[Change], now: datetime) -> Iterator[tuple[datetime, datetime, datetime, datetime]]:
    """From when until when each change's days before it, and those after it, go."""
    moments = sorted({change.at for change in changes})
    for change in changes:
        place = moments.index(change.at)
        until, since = _floor(change.at), _ceiling(change.at)
        begins = _floor(change.at - AROUND)
        ends = min(_ceiling(change.at + AROUND), max(since, _ceiling(now)))
        if place > 0:
            begins = min(until, max(begins, _ceiling(moments[place - 1])))
        if place + 1 < len(moments):
            ends = max(since, min(ends, _floor(moments[place + 1])))
        yield begins, until, since, ends


def _floor(moment: datetime) -> datetime:
    return moment - (moment - _EPOCH) % QUARTER


def _ceiling(moment: datetime) -> datetime:
    return moment + (_EPOCH - moment) % QUARTER
