"""Projections from list prices."""

from __future__ import annotations

from decimal import Decimal

from orchestrator.models.catalogue import CATALOGUE, Model
from orchestrator.models.estimate import no_cheaper, scenarios
from tests.conftest import NOW

MINI, CLAUDE = CATALOGUE["gpt-4o-mini"], CATALOGUE["claude-sonnet-4"]


def test_the_golden_month() -> None:
    """10,000 workflows at 5 % fallback: 26.25 against 285.00, including wasted first answers."""
    alone, mini, mixed = scenarios(MINI, CLAUDE, workflows=10_000, fallback_rate_pct=Decimal(5), at=NOW)

    assert (alone.monthly_usd, mini.monthly_usd, mixed.monthly_usd) == (Decimal(285), Decimal(12), Decimal("26.25"))
    assert (alone.yearly_usd, mixed.yearly_usd) == (Decimal(3420), Decimal(315))
    assert [round(scenario.saved_pct or 0, 1) for scenario in (alone, mini, mixed)] == [
        0,
        Decimal("95.8"),
        Decimal("90.8"),
    ]


def test_one_model_twice_is_asked_once() -> None:
    """There is no fallback rate to include."""
    found = scenarios(CLAUDE, CLAUDE, workflows=100, fallback_rate_pct=Decimal(5), at=NOW)

    assert [(scenario.name, scenario.monthly_usd) for scenario in found] == [("Claude Sonnet 4 alone", Decimal("2.85"))]


def test_without_a_price_there_is_no_projection() -> None:
    """With an unknown price, the result is empty, not 0."""
    unpriced = Model("x", "X", "openai", "no-such-model-anywhere")

    assert scenarios(unpriced, CLAUDE, workflows=1, fallback_rate_pct=Decimal(5), at=NOW) == ()


def test_models_as_dear_as_the_baseline() -> None:
    """They do not include a cheaper one; the baseline itself is among them."""
    assert no_cheaper(NOW) == {"claude-sonnet-4", "claude-sonnet-4-6"}
