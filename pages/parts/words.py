"""Money, shares, counts, times and codes as the screen writes them; "-" for unknown values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from math import floor, log10
from zoneinfo import ZoneInfo

from queries.rates import Rate
from queries.targets import Target

NONE = "-"
UNCHANGED = "unchanged"

# Keeps a number and its unit on one line.
_UNIT = "\u00a0"

Number = Decimal | float | int

_ACRONYMS = {"api": "API", "json": "JSON", "llm": "LLM"}

_LEAST_PCT = 0.05
_UNSEEN = "\u2060"
# The start of a link, escaped: https://, www., and the sign in an e-mail address.
_ADDRESS = re.compile(r"((?:https?|ftp|mailto|xmpp)(?=\\:)|www(?=\\\.)|(?<=\S)(?=\\@))", re.IGNORECASE)


def escaped(text: object) -> str:
    """Foreign text for a place that takes Markdown: shown literally, on one line.

    Unescaped, a picture in it would be fetched from wherever a prompt or a model's answer says. Addresses do not become
    links either: Markdown links them even if every sign is escaped, unless there is an invisible character in them.
    """
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(str(text).split()))
    return _ADDRESS.sub(rf"\1{_UNSEEN}", escaped)


def charted(text: str) -> str:
    """Foreign text for a chart, in which Plotly would interpret `<a href=...>` and `%{...}`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "%&#123;")


def spoken(code: str) -> str:
    """A stable code in plain words: `step_type_unknown` is `Step type unknown`, `not_json` is `Not JSON`."""
    words = " ".join(_ACRONYMS.get(word, word) for word in code.split("_"))
    return words[:1].upper() + words[1:]


def inline(label: str) -> str:
    """A label within a sentence: `Validation failed` is `validation failed`, `API error` stays."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def money(amount: Decimal | None) -> str:
    """US dollars: `$1,204`, with cents below a thousand, `$26.25`, two significant digits below one, `$0.0012`."""
    if amount is None:
        return NONE
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size == 0:
        return "$0"
    if size < 1:
        rounded = round(size, max(2, 1 - size.adjusted()))
        return f"{sign}${rounded:f}"
    return f"{sign}${size:,.0f}" if size >= 1000 else f"{sign}${size:,.2f}"


def about(amount: Decimal | None) -> str:
    """US dollars of an estimate, whole ones from ten on: `$26`, `$1,204`; smaller ones as `money` writes them."""
    if amount is None or abs(amount) < 10:
        return money(amount)
    return f"{'-' if amount < 0 else ''}${abs(amount):,.0f}"


def unit_price(amount: Decimal | None) -> str:
    """US dollars for one piece, four significant digits: `$0.0285`."""
    if amount is None:
        return NONE
    if amount == 0:
        return "$0"
    return f"${round(amount, max(2, 3 - amount.adjusted())).normalize():f}"


def percent(share_pct: Number | None, limits: Iterable[Number] = ()) -> str:
    """One decimal, `5.0 %`; more if one would round to 0 or 100 %, `99.97 %`, `0.004 %`.

    Args:
        limits: the limits of its target; more decimals if one would round the share onto a limit that it misses.
    """
    if share_pct is None:
        return NONE
    left = min(abs(float(share_pct) - float(end)) or 100 for end in (0, 100, *limits))
    digits = 1 if left >= _LEAST_PCT else -floor(log10(left))
    return f"{share_pct:.{digits}f}{_UNIT}%"


def threshold(limit_pct: Number) -> str:
    """A configured limit: `5 %`, `2.5 %`."""
    return f"{float(limit_pct):g}{_UNIT}%"


def interval(rate: Rate) -> str:
    """The 95 % confidence interval of a rate: `4.7 to 5.7 %`."""
    if rate.interval_pct is None:
        return NONE
    low, high = rate.interval_pct
    return f"{low:.1f} to {high:.1f}{_UNIT}%"


def share(rate: Rate, target: Target | None = None) -> str:
    """A rate with its denominator, `5.0 % of 1,204`; never rounded onto the limits of its target."""
    return NONE if rate.pct is None else f"{percent(rate.pct, target.limits if target else ())} of {count(rate.whole)}"


def count(number: int) -> str:
    """`1,284`."""
    return f"{number:,}"


def many(number: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: `1 workflow`, `1,284 workflows`."""
    return f"{count(number)} {noun if number == 1 else plural or noun + 's'}"


def overridden(number: int) -> str:
    """Generations that targets leave out: `1 generation with overrides or a forced failure`."""
    return f"{many(number, 'generation')} with overrides or a forced failure"


def seconds(duration_ms: Number | None) -> str:
    """Seconds with one decimal: `8.2 s`."""
    return NONE if duration_ms is None else f"{duration_ms / 1000:,.1f}{_UNIT}s"


def span(from_ms: float, to_ms: float) -> str:
    """A range of times, three digits each: `4.78 to 5.51 s`."""
    return f"{from_ms / 1000:.3g} to {to_ms / 1000:.3g}{_UNIT}s"


def duration(duration_ms: Number | None) -> str:
    """A long time: `8.2 s`, `12 min`, `3.4 h`."""
    if duration_ms is None or duration_ms < 120_000:
        return seconds(duration_ms)
    minutes = duration_ms / 60_000
    return f"{minutes:,.0f}{_UNIT}min" if minutes < 120 else f"{minutes / 60:,.1f}{_UNIT}h"


def moment(instant: datetime, zone: str) -> str:
    """A day and a time in the viewer's zone: `2026-11-22 13:05`."""
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def day(of: date) -> str:
    """A day: `3 Nov 2026`."""
    return f"{of.day} {of:%b %Y}"


def day_span(first: date, last: date) -> str:
    """A range of days: `3 to 5 Nov 2026`, `3 Nov to 2 Dec 2026`."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day(last)}"
    return f"{first.day} {first:%b} to {day(last)}" if first.year == last.year else f"{day(first)} to {day(last)}"


def ago(instant: datetime, now: datetime) -> str:
    """The time since then: `just now`, `3 min ago`, `2 h ago`, `5 days ago`."""
    minutes = int((now - instant).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def change(now: Number | None, before: Number | None) -> str | None:
    """The relative change: `+12.5 %`, `12 times as much` from tenfold on, or `unchanged`.

    None if either value is unknown, or the earlier one is zero or negative.
    """
    if now is None or before is None or before <= 0:
        return None
    ratio = float(now) / float(before)
    return f"{ratio:,.0f} times as much" if ratio >= 10 else _grown(100 * (ratio - 1), "%")


def points(now: Number | None, before: Number | None) -> str | None:
    """The change of a share in percentage points: `+0.6 pts` or `unchanged`; None if either is unknown."""
    return None if now is None or before is None else _grown(float(now) - float(before), "pts")


def _grown(by: float, unit: str) -> str:
    return f"{by:+.1f}{_UNIT}{unit}" if round(by, 1) else UNCHANGED
