"""The sums that all reports are made of, read in one call.

Bin 0 is the previous period, bins 1 to n are the days of the period. While the period's last day is not over, the
previous period is only read up to the same time of its own last day, so that like is compared with like.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar

from queries.answer import Row
from queries.filters import Filters
from queries.histogram import Histogram
from queries.period import Period
from store import Database, clock, understood

Part = Literal["generations", "latencies", "attempts", "findings", "verdicts", "changes"]
BEFORE = 0
"""The bin of the previous period."""
_GAP = 1
QUARTER = timedelta(minutes=15)
"""Every bound of a bin is at a whole multiple of this, in UTC."""


class _Sums(Row):
    bin: int


_SumsT = TypeVar("_SumsT", bound=_Sums)


class Generations(_Sums):
    """Finished generations of one kind: their number and their sums.

    Attributes:
        primary_model: the model that was asked first; None if unknown.
        generator: the model that answered; None for a failed or cancelled generation and for an unreadable name.
        without_cost, without_waste: how many have an unknown cost or waste, which the sum leaves out.
        compared: how many count in savings; the three sums after it are theirs.
        timed: how many have a known latency; the sum after it is theirs.
        by_steps: 1-3, 4-6, 7-10, 11-20, more; by_services: 0, 1, 2, 3, more.
    """

    overridden: bool
    status: Literal["completed", "failed", "cancelled"]
    primary_model: str | None
    generator: str | None
    fallback_reason: str | None
    generations: int
    regenerated: int
    unreadable: int
    unpriced: int
    cost_usd: Decimal
    without_cost: int
    wasted_usd: Decimal
    without_waste: int
    compared: int
    baseline_usd: Decimal
    compared_cost_usd: Decimal
    compared_wasted_usd: Decimal
    timed: int
    latency_ms: Decimal
    by_steps: tuple[int, ...]
    by_services: tuple[int, ...]


class Latencies(_Sums):
    """How long the completed generations of one generator took.

    Attributes:
        buckets: in no particular order; counts: how many are in each.
    """

    generator: str | None
    buckets: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def histogram(self) -> Histogram:
        """The counts by bucket."""
        return Histogram(tuple(sorted(zip(self.buckets, self.counts, strict=True))))


class Attempts(_Sums):
    """Attempts of one model with one outcome; cancelled attempts are not included.

    Attributes:
        timed: how many have a known duration; the sum after it is theirs.
    """

    overridden: bool
    model: str | None
    prompt_version: int | None
    outcome: Literal["succeeded", "validation_failed", "api_error", "timeout", "rate_limit"]
    rejected_for: Literal["schema", "semantic"] | None
    attempts: int
    timed: int
    duration_ms: Decimal


class Findings(_Sums):
    """Replies of one model that one rule rejected."""

    model: str | None
    code: str
    attempts: int


class Verdicts(_Sums):
    """Agent runs or ratings of one generator's workflows; generator is None if the generation they judge is unknown."""

    overridden: bool
    kind: Literal["execution", "rating"]
    generator: str | None
    total: int
    good: int
    unreadable: int


class KeyChange(Row):
    """One save of the system keys.

    Attributes:
        changes: the value before and after, for each key that changed.
        reason: in the words of the person who saved; None if nothing was said.
    """

    at: datetime
    by: str | None
    changes: dict[str, Any]
    version: int | None
    reason: str | None
    sample: bool


class Bins(Row):
    """The sums between neighbouring moments: bin i from moment i to moment i + 1."""

    generations: tuple[Generations, ...] = ()
    latencies: tuple[Latencies, ...] = ()
    attempts: tuple[Attempts, ...] = ()
    findings: tuple[Findings, ...] = ()
    verdicts: tuple[Verdicts, ...] = ()
    changes: tuple[KeyChange, ...] = ()
    undated: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of a period and of the previous one.

    Attributes:
        changes: saves of the system keys, starting three days before the previous period.
        undated: generations of the whole log that belong to no period because their time cannot be read.
    """

    period: Period
    generations: tuple[Generations, ...]
    latencies: tuple[Latencies, ...]
    attempts: tuple[Attempts, ...]
    findings: tuple[Findings, ...]
    verdicts: tuple[Verdicts, ...]
    changes: tuple[KeyChange, ...]
    undated: int


def read_figures(database: Database, period: Period, filters: Filters, parts: Iterable[Part]) -> Figures:
    """The sums of each day of the period, and of the previous period as a whole.

    Args:
        parts: what to read; the others stay empty.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    earlier = period.before
    bounds = [earlier.begins, _like_now(earlier, period, clock.now()), *period.bounds]
    answer = read_bins(database, bounds, filters, parts)
    return Figures(
        period,
        _binned(answer.generations),
        _binned(answer.latencies),
        _binned(answer.attempts),
        _binned(answer.findings),
        _binned(answer.verdicts),
        answer.changes,
        answer.undated,
    )


def read_bins(database: Database, bounds: Sequence[datetime], filters: Filters, parts: Iterable[Part]) -> Bins:
    """The sums of each bin.

    Args:
        bounds: aware, ascending, each at a quarter of an hour; from 2 to 4,000.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    document = database.call(
        "get_figures",
        p_bounds=[bound.isoformat() for bound in bounds],
        p_filters=dict(filters.as_json()),
        p_parts=list(parts),
    )
    return understood(Bins, document)


def _like_now(earlier: Period, period: Period, now: datetime) -> datetime:
    """Where the previous period ends: as far before its last day's end as now is before the period's end.

    The distance is rounded down to whole quarters of an hour.
    """
    remaining = max(timedelta(0), min(period.ends - now, period.ends - period.begins))
    return max(earlier.begins, earlier.ends - remaining // QUARTER * QUARTER)


def _binned(rows: tuple[_SumsT, ...]) -> tuple[_SumsT, ...]:
    """Drop the gap between the previous period and the period, and number the period's days 1 to n."""
    return tuple(
        row if row.bin == BEFORE else row.model_copy(update={"bin": row.bin - _GAP}) for row in rows if row.bin != _GAP
    )
