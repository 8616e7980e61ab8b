"""The days of a period that differ most from its usual days."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Literal

from queries.days import Day
from queries.rates import Rate

Measure = Literal["fallback", "success", "cost", "latency"]

ENOUGH_CASES = 30
"""Below this, a day's rate or time says little."""
_ENOUGH_DAYS = 5
_THRESHOLD = 3.5
_LEAST_SPREAD = 0.05
_LEAST_SHARE = 0.005
# The median absolute deviation of a normal distribution, in standard deviations.
_MAD = 0.6745


@dataclass(frozen=True, slots=True)
class Deviation:
    """One or more days in a row on which a measure was far from usual, in the same direction.

    Attributes:
        value: of the day that differs most; a share in percent, US dollars per workflow, or P95 in ms.
        usual: the median of the period's days.
        at: the day that differs most.
        score: how far from usual, in standard deviations; negative if lower.
    """

    measure: Measure
    first: date
    last: date
    at: date
    value: float
    usual: float
    score: float


def deviations(days: Sequence[Day], most: int = 5) -> tuple[Deviation, ...]:
    """The largest deviations, largest first; none if too few days have enough cases.

    A day's share is compared with the usual share by its standard error under the normal approximation; amounts by the
    modified z-score of their logarithms, 0.6745 (x - median) / median absolute deviation. A score beyond 3.5 counts, as
    proposed by Iglewicz and Hoaglin (How to Detect and Handle Outliers, 1993).
    """
    found = [
        *_of_rates("fallback", days, lambda day: day.total.as_configured.fallback),
        *_of_rates("success", days, lambda day: day.total.as_configured.success),
        *_of_amounts("cost", days, _cost),
        *_of_amounts("latency", days, lambda day: day.latency.p95),
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.score))[:most])


def _cost(day: Day) -> float | None:
    cost = day.total.cost_per_workflow_usd
    return None if cost is None else float(cost)


def _of_rates(measure: Measure, days: Sequence[Day], rate: Callable[[Day], Rate]) -> Iterator[Deviation]:
    shares = [(day.day, rate(day)) for day in days if rate(day).whole >= ENOUGH_CASES]
    known = [(day, of.part / of.whole, of.whole) for day, of in shares]
    if len(known) < _ENOUGH_DAYS:
        return
    usual = median(share for _, share, _ in known)
    kept = min(max(usual, _LEAST_SHARE), 1 - _LEAST_SHARE)
    scored = [(day, 100 * share, (share - usual) / math.sqrt(kept * (1 - kept) / whole)) for day, share, whole in known]
    yield from _in_a_row(measure, scored, 100 * usual)


def _of_amounts(measure: Measure, days: Sequence[Day], amount: Callable[[Day], float | None]) -> Iterator[Deviation]:
    known = [
        (day.day, value) for day in days if day.total.completed >= ENOUGH_CASES and (value := amount(day)) is not None
    ]
    known = [(day, value) for day, value in known if value > 0]
    if len(known) < _ENOUGH_DAYS:
        return
    usual = median(value for _, value in known)
    spread = median(abs(math.log(value / usual)) for _, value in known)
    scored = [(day, value, _MAD * math.log(value / usual) / max(spread, _LEAST_SPREAD)) for day, value in known]
    yield from _in_a_row(measure, scored, usual)


def _in_a_row(measure: Measure, scored: Sequence[tuple[date, float, float]], usual: float) -> Iterator[Deviation]:
    """The days beyond the threshold, those in a row and in the same direction as one."""
    runs: list[list[tuple[date, float, float]]] = []
    for one in scored:
        if abs(one[2]) < _THRESHOLD:
            continue
        before = runs[-1][-1] if runs else None
        if before and one[0] - before[0] == timedelta(days=1) and one[2] * before[2] > 0:
            runs[-1].append(one)
        else:
            runs.append([one])
    for run in runs:
        at, value, score = max(run, key=lambda one: abs(one[2]))
        yield Deviation(measure, run[0][0], run[-1][0], at, value, usual, score)
