"""Which paths did generations take through the system?"""

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
class FlowPath:
    """One path from the primary model to the end.

    Attributes:
        primary: the model that was asked first; None if unknown.
        reason: why its reply was not used; None if it was, or if only the end of the path is known.
        generator: the model that answered; None if none did.
        status: completed, failed or cancelled.
        total: the generations that took this path.
    """

    primary: str | None
    reason: str | None
    generator: str | None
    status: str
    total: Tally

    @property
    def generations(self) -> int:
        """How many generations took this path."""
        return sum(row.generations for row in self.total.rows)

    @property
    def cost_usd(self) -> Decimal | None:
        """The cost of all their attempts; None if none of it is known."""
        return self.total.spent_usd

    @property
    def average_ms(self) -> float | None:
        """The average time of those whose time is known; None if there are none."""
        timed = sum(row.timed for row in self.total.rows)
        return float(sum(row.latency_ms for row in self.total.rows)) / timed if timed else None


def merged(paths: Sequence[FlowPath]) -> FlowPath:
    """Merge one or more paths into one that is labelled like the first."""
    rows = (row for path in paths for row in path.total.rows)
    return replace(paths[0], total=tally(rows))


@dataclass(frozen=True, slots=True)
class Flow:
    """The paths of a period, the most used first."""

    figures: Figures
    paths: tuple[FlowPath, ...]
    total: Tally

    @property
    def ended(self) -> int:
        """All generations that finished, whatever their status."""
        return sum(path.generations for path in self.paths)

    @property
    def straight(self) -> FlowPath | None:
        """The generations whose first model answered, together; None if there are none."""
        paths = [path for path in self.paths if path.status == "completed" and path.reason is None]
        return merged(paths) if paths else None

    @property
    def others(self) -> Flow:
        """The flow of all others: fallbacks, failures and cancellations."""
        return replace(self, paths=tuple(p for p in self.paths if p.status != "completed" or p.reason is not None))

    def share(self, path: FlowPath) -> Rate:
        """The share of all generations that took this path."""
        return Rate(path.generations, self.ended)


def read_flow(database: Database, period: Period, filters: Filters) -> Flow:
    """The paths of a period.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations",))
    current = now(figures.generations)
    kinds: dict[tuple[str | None, str | None, str | None, str], list[Generations]] = {}
    for row in current:
        key = row.primary_model, row.fallback_reason, row.generator, row.status
        kinds.setdefault(key, []).append(row)
    paths = [FlowPath(*key, tally(rows)) for key, rows in kinds.items()]
    paths.sort(key=lambda path: (-path.generations, _order(path)))
    return Flow(figures, tuple(paths), tally(current))


def _order(path: FlowPath) -> tuple[int, str]:
    return REASONS.index(path.reason) if path.reason in REASONS else -1, str(path.primary)
