"""What a month would cost, at list prices and at measured ones."""

from __future__ import annotations

from decimal import Decimal

from orchestrator.models.catalogue import CATALOGUE, Model
from orchestrator.models.estimate import UnitCosts, list_costs, month
from orchestrator.models.pricing import expensive_models
from tests.conftest import NOW

MINI, CLAUDE = CATALOGUE["gpt-4o-mini"], CATALOGUE["claude-sonnet-4"]


def test_the_golden_month() -> None:
    """10,000 workflows at 5 % fallback: 26.25 against 285.00, including wasted first answers."""
    costs = list_costs(MINI, CLAUDE, NOW)
    assert costs is not None
    alone, mixed = month(costs, 10_000, Decimal(0)), month(costs, 10_000, Decimal(5))

    assert (mixed.baseline_usd, alone.cost_usd, mixed.cost_usd) == (Decimal(285), Decimal(12), Decimal("26.25"))
    assert (mixed.saved_usd, mixed.saved_per_year_usd) == (Decimal("258.75"), Decimal(3105))
    assert [round(each.saved_pct or 0, 1) for each in (alone, mixed)] == [Decimal("95.8"), Decimal("90.8")]


def test_list_prices_and_the_same_measured_costs_give_the_same_month() -> None:
    """The screens that use them cannot disagree."""
    measured = UnitCosts(Decimal("0.0012"), Decimal("0.0297"), Decimal("0.0285"))

    assert list_costs(MINI, CLAUDE, NOW) == measured
    assert month(measured, 10_000, Decimal(5)).cost_usd == Decimal("26.25")


def test_nothing_costs_nothing() -> None:
    """Without workflows there is no share saved either."""
    empty = month(UnitCosts(Decimal(1), Decimal(2), Decimal(3)), 0, Decimal(5))

    assert empty.cost_usd == empty.saved_usd == 0
    assert empty.saved_pct is None


def test_one_model_twice_is_asked_once() -> None:
    """A fallback then costs no more."""
    costs = list_costs(CLAUDE, CLAUDE, NOW)
    assert costs is not None

    assert month(costs, 100, Decimal(5)).cost_usd == Decimal("2.85")


def test_without_a_price_there_is_no_estimate() -> None:
    """An unknown price is not 0."""
    unpriced = Model("x", "X", "openai", "no-such-model-anywhere")

    assert list_costs(unpriced, CLAUDE, NOW) is None


def test_models_as_expensive_as_the_baseline() -> None:
    """They do not include a cheaper one; the baseline itself is among them."""
    assert expensive_models(NOW) == {"claude-sonnet-4", "claude-sonnet-4-6"}
