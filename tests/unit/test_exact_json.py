"""Money in JSON."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import exact_json


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9), max_value=10**9))
def test_money_keeps_every_digit(amount: Decimal) -> None:
    """A Decimal is written as a plain number without exponent, whatever its size."""
    text = exact_json(amount)

    assert Decimal(text) == amount
    assert "E" not in text.upper()


def test_what_has_no_form_is_refused() -> None:
    """Nothing is written as its repr by accident."""
    with pytest.raises(TypeError):
        exact_json(object())
