"""What a month would cost at some volume and fallback rate, whether the unit costs are list prices or measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from orchestrator.models import pricing
from orchestrator.models.catalogue import Model
from orchestrator.models.money import plain

_MONTHS = 12


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """The cost of one workflow in US dollars.

    Attributes:
        direct_usd: if the primary model's reply is used.
        fallback_usd: if the fallback answers, including the wasted first attempt.
        baseline_usd: on the baseline model.
    """

    direct_usd: Decimal
    fallback_usd: Decimal
    baseline_usd: Decimal


@dataclass(frozen=True, slots=True)
class Month:
    """The cost of a number of workflows in US dollars: on the baseline model, and as planned."""

    workflows: int
    baseline_usd: Decimal
    cost_usd: Decimal

    @property
    def saved_usd(self) -> Decimal:
        """Baseline minus cost; negative if it costs more."""
        return self.baseline_usd - self.cost_usd

    @property
    def saved_per_year_usd(self) -> Decimal:
        """The savings of twelve such months."""
        return _MONTHS * self.saved_usd

    @property
    def saved_pct(self) -> Decimal | None:
        """As a percentage of the baseline; None if that is 0."""
        return 100 * self.saved_usd / self.baseline_usd if self.baseline_usd else None


def month(costs: UnitCosts, workflows: int, rate_pct: Decimal) -> Month:
    """A month with this many workflows and this fallback rate.

    cost = workflows x ((1 - rate) x direct + rate x fallback)

    Args:
        workflows: per month, 0 or more.
        rate_pct: fallback rate, 0 to 100.
    """
    rate = rate_pct / 100
    each = (1 - rate) * costs.direct_usd + rate * costs.fallback_usd
    return Month(workflows, plain(workflows * costs.baseline_usd), plain(workflows * each))


def list_costs(primary: Model, fallback: Model, at: datetime) -> UnitCosts | None:
    """The unit costs of a typical workflow at list prices; None if one of the prices is unknown.

    A fallback pays for both replies. Without a second model there is none.
    """
    baseline = pricing.baseline(pricing.TYPICAL, at)
    first, second = pricing.per_workflow(primary, at), pricing.per_workflow(fallback, at)
    if baseline is None or first is None or second is None:
        return None
    return UnitCosts(first, first if fallback == primary else first + second, baseline)
