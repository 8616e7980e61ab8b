"""What would a month cost at another volume or fallback rate, going by what was measured?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from queries.rates import Rate
from queries.tally import Tally, tally

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Measured:
    """What one workflow that asked a cheaper model first costs on average, in US dollars.

    Attributes:
        direct_usd: when the primary's answer is used.
        fallback_usd: when the fallback answers, the wasted first attempt included.
        baseline_usd: the same workflows on the baseline model.
        rate_pct: share of them that the fallback answered.
        workflows: how many all of this is measured on.
    """

    direct_usd: Decimal
    fallback_usd: Decimal
    baseline_usd: Decimal
    rate_pct: Decimal
    workflows: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """A month at some volume and rate, in US dollars."""

    workflows: int
    before_usd: Decimal
    after_usd: Decimal

    @property
    def saved_usd(self) -> Decimal:
        """Before less after, a month."""
        return self.before_usd - self.after_usd

    @property
    def saved_a_year_usd(self) -> Decimal:
        """Twelve months of it."""
        return MONTHS * self.saved_usd

    @property
    def saved_pct(self) -> Decimal | None:
        """Of before; None where that is nothing."""
        return 100 * self.saved_usd / self.before_usd if self.before_usd else None


def measured(total: Tally, dear: Collection[str]) -> Measured | None:
    """The averages of compared generations as configured; None while both kinds, direct and fallen back, were not seen.

    Without a single fallback its cost cannot be known, and with nothing else there is no direct answer to price. What
    asked one of the dear models first would make both dearer than they are.

    Args:
        total: whichever model answered.
        dear: logical names of the models that are no cheaper than the baseline.
    """
    judged = total.cheaper_first(dear)
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
    """A month with this many workflows and this share of fallbacks.

    after = workflows x ((1 - rate) x direct + rate x fallback); before = workflows x baseline.

    Args:
        workflows: a month, 0 or more.
        rate_pct: 0 to 100.
    """
    rate = rate_pct / 100
    each = (1 - rate) * averages.direct_usd + rate * averages.fallback_usd
    return Outlook(workflows, workflows * averages.baseline_usd, workflows * each)
