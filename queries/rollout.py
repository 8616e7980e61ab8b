"""How far can the cheap model be rolled out? The phase that the figures support, and the advice that follows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from queries import targets
from queries.figures import Figures, read_figures
from queries.filters import Filters
from queries.models import attempt_rates
from queries.period import Period
from queries.rates import Rate
from queries.series import now
from queries.tally import Tally, tally
from store import Database

Phase = Literal["soft_launch", "confidence_building", "cost_optimisation"]
PHASES: tuple[Phase, ...] = ("soft_launch", "confidence_building", "cost_optimisation")
Advice = Literal[
    "wait", "improve_prompts", "watch", "keep", "consider_disabling", "consider_dropping", "look_at_failures"
]

_OF_PHASE: dict[Phase, Advice] = {
    "soft_launch": "keep",
    "confidence_building": "consider_disabling",
    "cost_optimisation": "consider_dropping",
}

ENOUGH = 200
"""Completed generations from which on a rate counts as more than chance."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a period says about the cheaper models; generations with overrides or a forced failure are left out.

    Attributes:
        total: completed, failed and cancelled generations that did not ask an expensive model first.
        expensive_first: completed generations that did; they say nothing about a cheaper model.
        left_out: generations with overrides or a forced failure.
        replies: replies of the cheaper models that validated, of all their replies.
    """

    figures: Figures
    total: Tally
    expensive_first: int
    left_out: int
    replies: Rate

    @property
    def enough(self) -> bool:
        """Whether there are enough generations to judge by."""
        return self.total.completed >= ENOUGH

    @property
    def phase(self) -> Phase:
        """The phase that the figures support: the last one with a limit above the whole 95 % CI of the fallback rate.

        It is the first phase while the success rate misses its target: if no fallback is asked, the cheap model's
        weaknesses only show up as failures.
        """
        interval = self.total.fallback.interval_pct
        if not self.enough or self.failing or interval is None:
            return "soft_launch"
        if interval[1] < targets.FALLBACK_RARE_PCT:
            return "cost_optimisation"
        return "confidence_building" if interval[1] < targets.FALLBACK.good_pct else "soft_launch"

    @property
    def failing(self) -> bool:
        """Whether the success rate misses its target."""
        return targets.SUCCESS.standing(self.total.success) != "good"

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What to do, most urgent first."""
        rate = self.total.fallback.pct
        if not self.enough or rate is None:
            return ("wait",)
        judged: Advice
        if rate > targets.FALLBACK.bad_pct:
            judged = "improve_prompts"
        elif rate >= targets.FALLBACK.good_pct:
            judged = "watch"
        elif self.failing:
            return ("look_at_failures",)
        else:
            judged = _OF_PHASE[self.phase]
        return ("look_at_failures", judged) if self.failing else (judged,)


def read_rollout(database: Database, period: Period, filters: Filters, *, expensive: Collection[str]) -> Rollout:
    """The rollout report of a period.

    Args:
        expensive: logical names of the expensive models: the baseline and those no cheaper.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations", "attempts"))
    everything = tally(now(figures.generations))
    cheaper = everything.cheaper_first(expensive)
    calls = attempt_rates(row for row in now(figures.attempts) if not row.overridden and row.model not in expensive)
    expensive_first = everything.as_configured.completed - cheaper.completed
    return Rollout(figures, cheaper, expensive_first, everything.overridden, calls.validation)
