"""Exact amounts in US dollars."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol


def plain(amount: Decimal) -> Decimal:
    """The same amount without trailing zeros, so that equal amounts are written equally."""
    return amount.normalize() + Decimal(0)


class Priced(Protocol):
    """Something that costs money."""

    @property
    def cost_usd(self) -> Decimal | None:
        """US dollars; None if the price is unknown."""


def known_cost(priced: Iterable[Priced]) -> Decimal:
    """The sum of the known costs, 0 if there are none; `unpriced` counts what is missing from it."""
    return sum((each.cost_usd for each in priced if each.cost_usd is not None), Decimal(0))


def unpriced(priced: Iterable[Priced]) -> int:
    """How many have no known price."""
    return sum(each.cost_usd is None for each in priced)
