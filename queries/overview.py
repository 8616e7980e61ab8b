"""Is all well? The last days in six figures and one judgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from queries import targets
from queries.cost import daily
from queries.figures import Figures, read_figures
from queries.filters import Filters
from queries.latency import LatencySummary, histogram, summary
from queries.period import Period
from queries.series import before, now
from queries.tally import Tally, tally
from queries.targets import Standing
from store import Database

_FEW = 20

Judgement = Literal["nothing", "few", "failing", "often", "more_often", "well"]


@dataclass(frozen=True, slots=True)
class Overview:
    """A period and the one before it.

    Attributes:
        as_configured: the generations that targets speak of: without those whose models were chosen for them alone.
        daily: see `queries.cost.CostReport`.
    """

    figures: Figures
    total: Tally
    as_configured: Tally
    before: Tally
    before_as_configured: Tally
    latency: LatencySummary
    latency_before: LatencySummary
    daily: pd.DataFrame

    @property
    def judgement(self) -> Judgement:
        """What is most worth saying.

        nothing: nothing ended; few: too little to judge; failing: the success rate misses its target; often: the
        fallback rate does, badly; more_often: it does, slightly; well: neither.
        """
        ended = self.as_configured.success.whole
        if not ended:
            return "nothing"
        if ended < _FEW:
            return "few"
        if self.success_standing != "good":
            return "failing"
        often: dict[Standing, Judgement] = {"bad": "often", "watch": "more_often"}
        return often.get(self.fallback_standing, "well")

    @property
    def success_standing(self) -> Standing:
        """The success rate against its target."""
        return targets.SUCCESS.standing(self.as_configured.success)

    @property
    def fallback_standing(self) -> Standing:
        """The fallback rate against its target."""
        return targets.FALLBACK.standing(self.as_configured.fallback)

    @property
    def main_reason(self) -> str | None:
        """Why the fallback was asked most often; None when it never was."""
        reasons = self.as_configured.fallback_reasons
        return max(reasons, key=lambda reason: reasons[reason]) if any(reasons.values()) else None


def read_overview(database: Database, period: Period, filters: Filters) -> Overview:
    """The overview of a period.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations", "latencies"))
    current, earlier = tally(now(figures.generations)), tally(before(figures.generations))
    return Overview(
        figures,
        current,
        _as_configured(current),
        earlier,
        _as_configured(earlier),
        summary(current, histogram(now(figures.latencies))),
        summary(earlier, histogram(before(figures.latencies))),
        daily(figures, figures.generations),
    )


def _as_configured(total: Tally) -> Tally:
    return tally(row for row in total.rows if not row.overridden)
