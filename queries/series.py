"""Figures day by day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Protocol, TypeVar

from queries.figures import BEFORE, Figures, Generations
from queries.tally import Tally, tally


class Binned(Protocol):
    """A row that belongs to a bin."""

    @property
    def bin(self) -> int:
        """0 for the previous period, 1 to n for the days."""


Row = TypeVar("Row", bound=Binned)


def now(rows: Iterable[Row]) -> list[Row]:
    """The rows of the period itself."""
    return [row for row in rows if row.bin != BEFORE]


def before(rows: Iterable[Row]) -> list[Row]:
    """The rows of the previous period."""
    return [row for row in rows if row.bin == BEFORE]


def by_day(figures: Figures, rows: Iterable[Row]) -> Iterator[tuple[date, list[Row]]]:
    """Each day of the period with its rows; days without any have an empty list."""
    bins: dict[int, list[Row]] = {}
    for row in rows:
        bins.setdefault(row.bin, []).append(row)
    for number, day in enumerate(figures.period.days, start=1):
        yield day, bins.get(number, [])


def by_generator(rows: Iterable[Generations]) -> Iterator[tuple[str | None, Tally]]:
    """The completed generations of each generator, sorted by name; None for an unreadable name."""
    completed = [row for row in rows if row.status == "completed"]
    for name in sorted({row.generator for row in completed}, key=str):
        yield name, tally(row for row in completed if row.generator == name)
