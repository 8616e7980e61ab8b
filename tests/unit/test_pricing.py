"""The cost of calls."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from orchestrator.errors import InvalidSettings
from orchestrator.models.catalogue import CATALOGUE, Model, answering, named
from orchestrator.models.pricing import baseline, price
from orchestrator.models.tokens import Tokens, estimate
from tests.conftest import NOW

GOLDEN = Tokens(input=2000, output=1500)


@pytest.mark.parametrize(
    ("model", "tokens", "cost"),
    [
        ("gpt-4o-mini", GOLDEN, "0.0012"),
        ("claude-sonnet-4", GOLDEN, "0.0285"),
        ("claude-sonnet-4-6", GOLDEN, "0.0285"),
        ("gpt-4o-mini", Tokens(2000, cached_input=1000, output=1500), "0.001125"),
        ("claude-sonnet-4-6", Tokens(2000, cached_input=1000, cache_write_input=500, output=1500), "0.026175"),
        ("gpt-4o-mini", Tokens(input=1), "0.00000015"),
        ("gpt-4o-mini", Tokens(), "0"),
    ],
)
def test_list_price(model: str, tokens: Tokens, cost: str) -> None:
    """Tokens times the list price, with cached parts at their own price, exact to the last digit."""
    assert price(CATALOGUE[model], tokens, NOW) == Decimal(cost)


def test_an_unknown_price_is_none() -> None:
    """A model without a known price is unpriced, never free."""
    assert price(Model("x", "X", "openai", "no-such-model-anywhere"), GOLDEN, NOW) is None


def test_the_baseline_prices_all_input_at_the_full_rate() -> None:
    """Cached tokens do not make the baseline cheaper."""
    assert baseline(Tokens(2000, cached_input=2000, output=1500), NOW) == Decimal("0.0285")


@pytest.mark.parametrize(
    ("model", "on", "api_model"),
    [
        ("claude-sonnet-4", date(2026, 6, 14), "claude-sonnet-4-20250514"),
        ("claude-sonnet-4", date(2026, 6, 15), "claude-sonnet-4-6"),
        ("gpt-4o-mini", date(2027, 1, 13), "gpt-4o-mini"),
        ("gpt-4o-mini", date(2027, 1, 14), "gpt-6-luna"),
    ],
)
def test_a_retired_model_is_never_called(model: str, on: date, api_model: str) -> None:
    """From its retirement date on, the successor answers."""
    assert answering(named(model), on).api_model == api_model


def test_every_successor_exists_and_is_priced() -> None:
    """Every chain of successors ends at a model that can be called and priced."""
    for model in CATALOGUE.values():
        assert model.successor is None or model.successor in CATALOGUE
        assert price(model, GOLDEN, datetime(2026, 11, 22, tzinfo=UTC)) is not None


def test_an_unknown_model_gets_a_sentence() -> None:
    """The sentence names the model and those that exist."""
    with pytest.raises(InvalidSettings, match=r"Unknown model 'gpt-99'.*gpt-4o-mini"):
        named("gpt-99")


def test_estimates_count_bytes() -> None:
    """Four bytes count as one token; the empty text has none."""
    assert [estimate(text) for text in ("", "a", "abcd", "abcde", "日本")] == [0, 1, 1, 2, 2]
