"""How far may the cheap model go? What the measured figures support, and the advice that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from queries import targets
from queries.figures import Figures, read_figures
from queries.filters import Filters
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

ENOUGH = 200
"""Generations from which on a rate is taken for more than luck."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a period says about the models that went first, as configured: those other than the baseline model.

    Attributes:
        total: completed, failed and cancelled generations as configured that did not ask the baseline model first.
        baseline_first: completed generations as configured that did: they say nothing about a cheaper one.
        left_out: generations with models chosen for that run only.
        first_model: of the replies of the models that were asked first, those that validated; of completed generations.
    """

    figures: Figures
    total: Tally
    baseline_first: int
    left_out: int
    first_model: Rate

    @property
    def enough(self) -> bool:
        """Whether there are enough generations to judge by."""
        return self.total.completed >= ENOUGH

    @property
    def phase(self) -> Phase:
        """The phase that the figures support: the last whose limit the whole interval of the fallback rate keeps."""
        interval = self.total.fallback.interval_pct
        if not self.enough or interval is None:
            return "soft_launch"
        if interval[1] < targets.FALLBACK_RARE_PCT:
            return "cost_optimisation"
        return "confidence_building" if interval[1] < targets.FALLBACK.good_pct else "soft_launch"

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What to do, most urgent first."""
        rate = self.total.fallback.pct
        if not self.enough or rate is None:
            return ("wait",)
        urgent: tuple[Advice, ...] = ()
        if targets.SUCCESS.standing(self.total.success) != "good":
            urgent = ("look_at_failures",)
        if rate > targets.FALLBACK.bad_pct:
            return (*urgent, "improve_prompts")
        if self.phase == "cost_optimisation":
            return (*urgent, "consider_dropping")
        if self.phase == "confidence_building":
            return (*urgent, "consider_disabling")
        return (*urgent, "keep" if rate < targets.FALLBACK.good_pct else "watch")


def read_rollout(database: Database, period: Period, filters: Filters, *, baseline: str) -> Rollout:
    """What a period says.

    Args:
        baseline: logical name of the baseline model.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations",))
    everything = tally(now(figures.generations))
    as_configured = everything.as_configured
    cheaper = tally(row for row in as_configured.rows if row.primary_model != baseline)
    baseline_first = as_configured.completed - cheaper.completed
    return Rollout(figures, cheaper, baseline_first, everything.overridden, _first_replies(cheaper))


def _first_replies(total: Tally) -> Rate:
    used = total.completed - total.fallback.part
    return Rate(used, used + total.fallback_reasons["validation_failed"])
