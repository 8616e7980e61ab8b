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
        daily: see `queries.cost.CostReport`.
    """

    figures: Figures
    total: Tally
    before: Tally
    latency: LatencySummary
    latency_before: LatencySummary
    daily: pd.DataFrame

    @property
    def judgement(self) -> Judgement:
        """What is most worth saying.

        nothing: nothing ended; few: too little to judge; failing: the success rate misses its target; often: the
        fallback rate does, badly; more_often: it does, slightly; well: neither.
        """
        ended = self.total.as_configured.success.whole
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
        return targets.SUCCESS.standing(self.total.as_configured.success)

    @property
    def fallback_standing(self) -> Standing:
        """The fallback rate against its target."""
        return targets.FALLBACK.standing(self.total.as_configured.fallback)


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
        earlier,
        summary(current, histogram(now(figures.latencies))),
        summary(earlier, histogram(before(figures.latencies))),
        daily(figures, figures.generations),
    )
