"""Is everything all right? The figures of a period, and a judgement on the last days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from queries import targets
from queries.cost import daily
from queries.days import Day, LatencySummary, days_of, histogram, summary
from queries.figures import Figures, read_figures
from queries.filters import Filters
from queries.period import Period
from queries.series import before, now
from queries.tally import Tally, tally
from store import Database

_FEW = 20

Judgement = Literal["nothing", "few", "failing", "perhaps_failing", "often", "more_often", "well"]


@dataclass(frozen=True, slots=True)
class Overview:
    """A period and the previous one.

    Attributes:
        daily: see `queries.cost.CostReport`.
        days: the figures of each day.
    """

    figures: Figures
    total: Tally
    before: Tally
    latency: LatencySummary
    latency_before: LatencySummary
    daily: pd.DataFrame
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Recent:
    """The last days, to be judged."""

    total: Tally

    @property
    def judgement(self) -> Judgement:
        """The most important thing to say.

        nothing: nothing finished; few: too few generations to judge; failing: the success rate misses its target with
        certainty; perhaps_failing: it does, but that may be chance; often: the fallback rate is bad and misses its
        target with certainty; more_often: it misses its target; well: both rates meet their targets.
        """
        ended = self.total.as_configured.success.whole
        if not ended:
            return "nothing"
        if ended < _FEW:
            return "few"
        success, fallback = self.total.as_configured.success, self.total.as_configured.fallback
        if targets.SUCCESS.standing(success) != "good":
            return "failing" if targets.SUCCESS.certain(success) else "perhaps_failing"
        standing = targets.FALLBACK.standing(fallback)
        if standing == "bad" and targets.FALLBACK.certain(fallback):
            return "often"
        return "more_often" if standing in ("watch", "bad") else "well"


def read_overview(database: Database, period: Period, filters: Filters) -> Overview:
    """The overview of a period.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations", "latencies", "attempts", "changes"))
    current, earlier = tally(now(figures.generations)), tally(before(figures.generations))
    return Overview(
        figures,
        current,
        earlier,
        summary(current, histogram(now(figures.latencies))),
        summary(earlier, histogram(before(figures.latencies))),
        daily(figures, figures.generations),
        days_of(figures, figures.generations, figures.latencies),
    )


def read_recent(database: Database, period: Period, filters: Filters) -> Recent:
    """The days to be judged.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    return Recent(tally(now(read_figures(database, period, filters, ("generations",)).generations)))
