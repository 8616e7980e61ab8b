"""Exact amounts in US dollars."""

from __future__ import annotations

from decimal import Decimal


def plain(amount: Decimal) -> Decimal:
    """The same amount without trailing zeros, so that equal amounts are written equally."""
    return amount.normalize() + Decimal(0)
