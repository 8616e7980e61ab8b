"""What would a month cost at another volume or fallback rate, based on measured averages?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from queries.rates import Rate
from queries.tally import Tally, tally

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Measured:
    """The average cost of a workflow that asked a cheaper model first, in US dollars.

    Attributes:
        direct_usd: if the primary's reply is used.
        fallback_usd: if the fallback answers, including the wasted first attempt.
        baseline_usd: the same workflows on the baseline model.
        rate_pct: share of the workflows that the fallback answered.
        workflows: the number of workflows that the averages are based on.
    """

    direct_usd: Decimal
    fallback_usd: Decimal
    baseline_usd: Decimal
    rate_pct: Decimal
    workflows: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """The cost of a month at some volume and fallback rate, in US dollars."""

    workflows: int
    before_usd: Decimal
    after_usd: Decimal

    @property
    def saved_usd(self) -> Decimal:
        """Before minus after, per month."""
        return self.before_usd - self.after_usd

    @property
    def saved_per_year_usd(self) -> Decimal:
        """The same over twelve months."""
        return MONTHS * self.saved_usd

    @property
    def saved_pct(self) -> Decimal | None:
        """As a percentage of before; None if that is 0."""
        return 100 * self.saved_usd / self.before_usd if self.before_usd else None


def measured(total: Tally, expensive: Collection[str]) -> Measured | None:
    """The averages of compared generations with the default models; None unless there are direct answers and fallbacks.

    Without a single fallback its cost is unknown, and with fallbacks only there is no direct answer to price.
    Generations that asked an expensive model first are left out: they would raise both averages.

    Args:
        total: generations of all models that answered.
        expensive: logical names of the expensive models, those no cheaper than the baseline.
    """
    judged = total.cheaper_first(expensive)
    direct = tally(row for row in judged.rows if row.fallback_reason is None)
    fallen = tally(row for row in judged.rows if row.fallback_reason is not None)
    baseline, rate = judged.baseline_usd, Rate(fallen.compared, judged.compared).pct
    if not direct.compared or not fallen.compared or baseline is None or rate is None:
        return None
    return Measured(
        direct.compared_cost_usd / direct.compared,
        fallen.compared_cost_usd / fallen.compared,
        baseline / judged.compared,
        rate,
        judged.compared,
    )


def outlook(averages: Measured, workflows: int, rate_pct: Decimal) -> Outlook:
    """The cost of a month with this many workflows and this fallback rate.

    after = workflows x ((1 - rate) x direct + rate x fallback); before = workflows x baseline.

    Args:
        workflows: per month, 0 or more.
        rate_pct: 0 to 100.
    """
    rate = rate_pct / 100
    each = (1 - rate) * averages.direct_usd + rate * averages.fallback_usd
    return Outlook(workflows, workflows * averages.baseline_usd, workflows * each)
