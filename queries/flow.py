"""Which ways did requests take through the system?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from queries.figures import Figures, Generations, read_figures
from queries.filters import Filters
from queries.period import Period
from queries.rates import Rate
from queries.series import now
from queries.tally import REASONS, Tally, tally
from store import Database


@dataclass(frozen=True, slots=True)
class Way:
    """One way from the first model to the end.

    Attributes:
        primary: asked first; None where that cannot be told.
        reason: why its answer was not used; None when it was, or when nothing but the end is known.
        generator: answered; None where nobody did.
        outcome: completed, failed or cancelled.
        total: the generations that took it.
    """

    primary: str | None
    reason: str | None
    generator: str | None
    outcome: str
    total: Tally

    @property
    def generations(self) -> int:
        """How many took it."""
        return sum(row.generations for row in self.total.rows)

    @property
    def cost_usd(self) -> Decimal | None:
        """What they cost, all attempts; None where none of them says it."""
        return self.total.spent_usd

    @property
    def average_ms(self) -> float | None:
        """How long one took, of those whose time is known; None of none."""
        timed = sum(row.timed for row in self.total.rows)
        return float(sum(row.latency_ms for row in self.total.rows)) / timed if timed else None


def together(ways: Sequence[Way]) -> Way:
    """Several ways, one at least, as one: called like the first."""
    rows = (row for way in ways for row in way.total.rows)
    return replace(ways[0], total=tally(rows))


@dataclass(frozen=True, slots=True)
class Flow:
    """The ways of a period, the most used first."""

    figures: Figures
    ways: tuple[Way, ...]
    total: Tally

    @property
    def ended(self) -> int:
        """All generations that ended, in any way."""
        return sum(way.generations for way in self.ways)

    def share(self, way: Way) -> Rate:
        """How many of all took this way."""
        return Rate(way.generations, self.ended)


def read_flow(database: Database, period: Period, filters: Filters) -> Flow:
    """The ways of a period.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations",))
    current = now(figures.generations)
    kinds: dict[tuple[str | None, str | None, str | None, str], list[Generations]] = {}
    for row in current:
        key = row.primary_model, row.fallback_reason, row.generator, row.outcome
        kinds.setdefault(key, []).append(row)
    ways = [Way(*key, tally(rows)) for key, rows in kinds.items()]
    ways.sort(key=lambda way: (-way.generations, _order(way)))
    return Flow(figures, tuple(ways), tally(current))


def _order(way: Way) -> tuple[int, str]:
    return REASONS.index(way.reason) if way.reason in REASONS else -1, str(way.primary)
