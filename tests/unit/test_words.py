"""How the screen writes money and time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pages.parts.words import money, seconds


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "-"),
        ("0", "$0"),
        ("0.0012", "$0.0012"),
        ("0.00050895", "$0.000509"),
        ("0.0000001", "$0.0000001"),
        ("0.01", "$0.01"),
        ("26.25", "$26.25"),
        ("999.994", "$999.99"),
        ("1204.4", "$1,204"),
        ("-0.0004567", "-$0.0004567"),
        ("-3", "-$3.00"),
    ],
)
def test_money(amount: str | None, text: str) -> None:
    """Four significant digits under a cent, cents below a thousand, whole dollars above."""
    assert money(None if amount is None else Decimal(amount)) == text


def test_seconds() -> None:
    """One decimal, and a dash for what is unknown."""
    assert (seconds(8249), seconds(None)) == ("8.2 s", "-")
