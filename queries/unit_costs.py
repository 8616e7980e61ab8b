"""What does one workflow cost on average, with and without a fallback?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from queries.rates import Rate
from queries.tally import Tally, tally


@dataclass(frozen=True, slots=True)
class MeasuredCosts:
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


def measured_costs(total: Tally, expensive: Collection[str]) -> MeasuredCosts | None:
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
    return MeasuredCosts(
        direct.compared_cost_usd / direct.compared,
        fallen.compared_cost_usd / fallen.compared,
        baseline / judged.compared,
        rate,
        judged.compared,
    )
