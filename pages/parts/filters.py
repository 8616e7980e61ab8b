"""The filter bar: period, generator, source and origin, kept in the address so that a link shows the same view.

The address holds the values that differ from their defaults. It is written in one go, because every write is a step in
the browser's history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

import streamlit as st

from orchestrator.models.catalogue import CATALOGUE
from pages.parts import console
from pages.parts.frame import menu
from pages.parts.palette import label
from pages.parts.words import day, escaped
from queries.errors import QueryError
from queries.filters import ORIGINS, SOURCES, Filters, Origin, Source
from queries.period import USUAL_DAYS, Period, is_zone, latest, month, period
from store import clock

_LENGTHS = {"7d": 7, "30d": USUAL_DAYS, "90d": 90, "365d": 365}
_MONTHS = {"month": 0, "last-month": 1}
_PRESETS = {
    "7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "365 days",
    "month": "This month", "last-month": "Last month", "days": "Custom",
}  # fmt: skip
_ANY = "any"
_ORIGIN_LABELS = {
    "playground": "Playground",
    "cli": "Terminal",
    "api": "API",
    "platform": "Platform",
    "elsewhere": "Other systems",
}
_KEPT, _IGNORED = "filters_kept", "filters_passed_over"
_LONGEST_QUOTE = 40
_FURTHEST_AHEAD = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the visitor wants to see.

    Attributes:
        model: logical name; None for all.
    """

    period: Period
    filters: Filters
    model: str | None

    @property
    def unfinished(self) -> date | None:
        """The day that is not over yet; None if all are."""
        return self.period.unfinished(clock.now())


def zone() -> str:
    """The viewer's time zone; UTC if the browser sends none or an unknown one."""
    name = st.context.timezone or "UTC"
    return name if is_zone(name) else "UTC"


def default_filters() -> Filters:
    """The filters of pages without a bar: events of the models in use now, simulated or real, from any origin."""
    return Filters("simulated" if console.application().simulated else "real")


def bar(model_label: str = "Answered by", *, with_model: bool = True) -> Chosen:
    """Draw the bar and return what is chosen; invalid values in the address are named and ignored.

    Args:
        model_label: what choosing a model means on this page.
        with_model: whether a model can be chosen.
    """
    st.session_state[_IGNORED] = []
    st.session_state.setdefault(menu.ADDRESS, {})["days"] = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = _select("period", "Period", list(_PRESETS), f"{USUAL_DAYS}d", _PRESETS, 140)
        days = _days() if preset == "days" else _ready(preset)
        model = (
            _select("model", model_label, [_ANY, *CATALOGUE], _ANY, {_ANY: "Any model"}, 190) if with_model else _ANY
        )
        source = _select("source", "Source", list(SOURCES), default_filters().source, _SOURCE_LABELS, 150)
        origin = _select("origin", "Requested from", [_ANY, *ORIGINS], _ANY, {_ANY: "Anywhere"} | _ORIGIN_LABELS, 160)
    _write(st.session_state[menu.ADDRESS])
    st.session_state[menu.CAME] = False
    filters = Filters(cast(Source, source), None if origin == _ANY else cast(Origin, origin))
    chosen = Chosen(days, filters, None if model == _ANY else model)
    if ignored := st.session_state[_IGNORED]:
        st.warning(
            f"Ignored invalid values in the address: {escaped(', '.join(ignored))}.",
            icon=":material/link_off:",
        )
    today = ", today included" if chosen.unfinished else ""
    st.caption(f"{day(days.first)} to {day(days.last)} in {days.zone} time{today}. {_ABOUT_SOURCE[source]}")
    return chosen


def reset_filters() -> Callable[[], None] | None:
    """Resets the filters to their defaults; None if they are already there."""
    return _reset if any(text is not None for text in st.session_state[menu.ADDRESS].values()) else None


def _reset() -> None:
    for name in (_KEPT, menu.ADDRESS, *(f"filter_{name}" for name in st.session_state[_KEPT])):
        st.session_state.pop(name, None)
    st.query_params.clear()


_SOURCE_LABELS = {"real": "Real", "simulated": "Simulated", "all": "All"}
_ABOUT_SOURCE = {
    "real": "Real models only.",
    "simulated": "Simulated models and sample data only.",
    "all": "Real, simulated and sample data together.",
}


def _ready(name: str) -> Period:
    now = clock.now()
    return month(_MONTHS[name], zone(), now) if name in _MONTHS else latest(_LENGTHS[name], zone(), now)


def _days() -> Period:
    today = latest(1, zone(), clock.now()).last
    default = (today - timedelta(days=USUAL_DAYS - 1), today)
    key = _prepared("days", default, _as_text(*default), _read_days)
    value = st.date_input("Days", key=key, max_value=today + _FURTHEST_AHEAD, width=240)
    chosen = value if isinstance(value, tuple) else (value,)
    # Until the second day is chosen, the first one stands for both.
    first, last = (chosen[0], chosen[-1]) if chosen else default
    _keep("days", (first, last), _as_text(first, last), None)
    try:
        return period(first, last, zone())
    except QueryError as error:
        st.warning(escaped(error), icon=":material/event_busy:")
        return period(*default, zone())


def _as_text(first: date, last: date) -> str:
    return f"{first}..{last}"


def _read_days(text: str) -> tuple[date, date] | None:
    first, _, last = text.partition("..")
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
        period(*days, "UTC")
    except (ValueError, QueryError):
        return None
    return days if days[1] <= latest(1, zone(), clock.now()).last + _FURTHEST_AHEAD else None


def _select(name: str, text: str, options: list[str], default: str, labels: Mapping[str, str], width: int) -> str:
    key = _prepared(name, default, default, lambda value: value if value in options else None)
    value: str = st.selectbox(
        text, options, key=key, format_func=lambda option: labels.get(option) or label(option), width=width
    )
    _keep(name, value, value, default)
    return value


def _addressed(name: str) -> str | None:
    """A filter's value in the address; days in it mean the custom period even if it does not name that."""
    says = st.query_params.get(name)
    return "days" if name == "period" and says is None and "days" in st.query_params else says


def _prepared(name: str, default: Any, default_text: str, read: Callable[[str], Any]) -> str:
    """The key of a filter's widget, after setting its value from the address, the page before, or the default."""
    key, kept = f"filter_{name}", st.session_state.setdefault(_KEPT, {})
    # A filter missing in the address has its default, except right after a change of page: then its choice is kept.
    addressed = _addressed(name) or (None if st.session_state[menu.CAME] else default_text)
    value, written = kept.get(name, (default, None))
    # A value that this page has not written: a link was opened, or the browser went back.
    asked = addressed if addressed != written else None
    found = None if asked is None else read(asked)
    if asked is not None and found is None:
        st.session_state[_IGNORED].append(f"{name}={asked[:_LONGEST_QUOTE]}")
    # Assigned even if unchanged: a widget with the same key on another page would not take it over.
    st.session_state[key] = st.session_state.get(key, value) if found is None else found
    return key


def _keep(name: str, value: Any, text: str, default_text: str | None) -> None:
    st.session_state[_KEPT][name] = (value, text)
    st.session_state[menu.ADDRESS][name] = None if text == default_text else text


def _write(address: Mapping[str, str | None]) -> None:
    says = st.query_params.to_dict()
    wanted = {name: text for name, text in says.items() if name not in address}
    wanted |= {name: text for name, text in address.items() if text is not None}
    if wanted != says:
        st.query_params.from_dict(wanted)
