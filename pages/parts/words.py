"""Money and time as the screen writes them; "-" for what is unknown."""

from __future__ import annotations

from decimal import Decimal

NONE = "-"


def money(amount: Decimal | None) -> str:
    """US dollars: `$1,204`, from under a thousand `$26.25`, from under a cent four significant digits, `$0.0012`."""
    if amount is None:
        return NONE
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size == 0:
        return "$0"
    if size < Decimal("0.01"):
        digits = 3 - size.adjusted()
        return f"{sign}${round(size, digits).normalize():f}"
    return f"{sign}${size:,.0f}" if size >= 1000 else f"{sign}${size:,.2f}"


def seconds(duration_ms: int | None) -> str:
    """Seconds with one decimal: `8.2 s`."""
    return NONE if duration_ms is None else f"{duration_ms / 1000:.1f} s"
