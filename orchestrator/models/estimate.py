"""Projected cost of a month and a year, from list prices, a volume and a fallback rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from orchestrator.models import pricing
from orchestrator.models.catalogue import BASELINE, CATALOGUE, Model, answering
from orchestrator.models.money import plain
from orchestrator.models.tokens import Tokens

TYPICAL = Tokens(input=2000, output=1500)
"""The tokens of a typical workflow."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One setup and its cost for a number of workflows per month.

    Attributes:
        saved_pct: savings against the baseline in percent; None if the baseline costs nothing.
    """

    name: str
    monthly_usd: Decimal
    saved_pct: Decimal | None

    @property
    def yearly_usd(self) -> Decimal:
        """The cost of twelve months."""
        return 12 * self.monthly_usd


def price_per_workflow(model: Model, at: datetime) -> Decimal | None:
    """US dollars for a typical workflow on the model that answers for this one at that time; None if unpriced."""
    return pricing.price(answering(model, at.date()), TYPICAL, at)


def no_cheaper(at: datetime) -> frozenset[str]:
    """Logical names of the models, baseline included, that cost at least as much as it for a typical workflow."""
    baseline = pricing.baseline(TYPICAL, at)
    prices = {name: pricing.price(model, TYPICAL, at) for name, model in CATALOGUE.items()}
    expensive = {
        name for name, price in prices.items() if price is not None and baseline is not None and price >= baseline
    }
    return frozenset(expensive | {BASELINE.name})


def scenarios(
    primary: Model, fallback: Model, *, workflows: int, fallback_rate_pct: Decimal, at: datetime
) -> tuple[Scenario, ...]:
    """The baseline alone, the primary alone, and the primary with this fallback rate, without duplicates.

    With fallback: workflows x (primary + rate x fallback), since a fallback follows a complete wasted answer.

    Args:
        fallback_rate_pct: 0 to 100.

    Returns:
        Empty if one of the prices is unknown.
    """
    baseline = pricing.baseline(TYPICAL, at)
    first, second = price_per_workflow(primary, at), price_per_workflow(fallback, at)
    if baseline is None or first is None or second is None:
        return ()
    each = {
        f"{BASELINE.label} alone": baseline,
        f"{primary.label} alone": first,
    }
    if fallback != primary:
        each[f"{primary.label}, {plain(fallback_rate_pct):f} % fallback"] = first + second * fallback_rate_pct / 100
    return tuple(
        Scenario(name, plain(workflows * usd), (1 - usd / baseline) * 100 if baseline else None)
        for name, usd in each.items()
    )
