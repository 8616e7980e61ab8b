"""Money, shares and time as the screen writes them; "-" for what is unknown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

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


def unit_price(amount: Decimal | None) -> str:
    """US dollars for one piece, with every digit: `$0.0285`."""
    return NONE if amount is None else f"${amount:f}"


def percent(share_pct: Decimal | None) -> str:
    """One decimal: `5.0 %`."""
    return NONE if share_pct is None else f"{share_pct:.1f} %"


def moment(instant: datetime, zone: str) -> str:
    """A day and a time in the viewer's zone: `2026-11-22 13:05`."""
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def ago(instant: datetime, now: datetime) -> str:
    """How long since: `just now`, `3 min ago`, `2 h ago`, `5 days ago`."""
    minutes = int((now - instant).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def seconds(duration_ms: int | None) -> str:
    """Seconds with one decimal: `8.2 s`."""
    return NONE if duration_ms is None else f"{duration_ms / 1000:.1f} s"
