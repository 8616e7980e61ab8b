"""The filters of a page: period, model, source and origin, at the right of its title."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from orchestrator.models.catalogue import CATALOGUE
from pages.parts import addressed, console
from pages.parts.palette import label
from pages.parts.words import day_span, escaped
from queries.days import Day
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
    _ANY: "Anywhere",
    "playground": "Playground",
    "cli": "Terminal",
    "api": "API",
    "platform": "Platform",
    "elsewhere": "Other systems",
}
_FURTHEST_AHEAD = timedelta(days=3650)

T = TypeVar("T")


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

    def finished(self, days: Iterable[Day]) -> list[Day]:
        """Those of these days that are over."""
        return [day for day in days if day.day != self.unfinished]


def zone() -> str:
    """The viewer's time zone; UTC if the browser sends none or an unknown one."""
    name = st.context.timezone or "UTC"
    return name if is_zone(name) else "UTC"


def default_filters() -> Filters:
    """The filters of pages without a bar: events of the models in use now, simulated or real, from any origin."""
    return Filters("simulated" if console.application().simulated else "real")


def bar(controls: DeltaGenerator, model_label: str = "Answered by", *, with_model: bool = True) -> Chosen:
    """Draw the period and the other filters, and return what is chosen; invalid values in the address are named.

    Args:
        controls: where the filters stand.
        model_label: what choosing a model means on this page.
        with_model: whether a model can be chosen.
    """
    return bar_with(controls, lambda: None, model_label, with_model=with_model)[0]


def bar_with(
    controls: DeltaGenerator, own: Callable[[], T], model_label: str = "Answered by", *, with_model: bool = True
) -> tuple[Chosen, T]:
    """The same, with filters that the page alone has: `own` draws them and returns what is chosen."""
    addressed.begin()
    with controls:
        preset = _preset()
        filters, model = _popover(model_label, with_model=with_model)
    chosen = Chosen(_period(preset), filters, model)
    also = own()
    _tell_ignored()
    st.caption(_about(chosen, model_label))
    return chosen, also


def period_with(controls: DeltaGenerator, own: Callable[[], T]) -> tuple[Period, T]:
    """Only the period, with filters that the page alone has."""
    addressed.begin()
    with controls:
        preset = _preset()
    days = _period(preset)
    also = own()
    _tell_ignored()
    st.caption(" · ".join(_about_days(days)))
    return days, also


def _preset() -> str:
    return addressed.select(
        "period", "Period", list(_PRESETS), f"{USUAL_DAYS}d", _PRESETS.__getitem__, width=130, label=False
    )


def _period(preset: str) -> Period:
    return _days() if preset == "days" else _ready(preset)


def _tell_ignored() -> None:
    """Write the address, and name the invalid values that it had."""
    if ignored := addressed.end():
        st.warning(
            f"Ignored invalid values in the address: {escaped(', '.join(ignored))}.",
            icon=":material/link_off:",
        )


def _popover(model_label: str, *, with_model: bool) -> tuple[Filters, str | None]:
    """The filters other than the period, and the model."""
    with st.popover("Filters", icon=":material/filter_list:", key="filters"):
        model = addressed.select("model", model_label, [_ANY, *CATALOGUE], _ANY, _model_label) if with_model else _ANY
        source = addressed.select(
            "source", "Source", list(SOURCES), default_filters().source, _SOURCE_LABELS.__getitem__
        )
        origin = addressed.select("origin", "Requested from", [_ANY, *ORIGINS], _ANY, _ORIGIN_LABELS.__getitem__)
    filters = Filters(cast(Source, source), None if origin == _ANY else cast(Origin, origin))
    return filters, None if model == _ANY else model


def _model_label(name: str) -> str:
    return "Any model" if name == _ANY else label(name)


def _about(chosen: Chosen, model_label: str) -> str:
    """What the figures of the page cover, in a line."""
    said = [*_about_days(chosen.period), _ABOUT_SOURCE[chosen.filters.source]]
    if chosen.model:
        said.append(f"{model_label}: {escaped(label(chosen.model))}")
    if chosen.filters.origin:
        said.append(f"Requested from: {_ORIGIN_LABELS[chosen.filters.origin]}")
    return " · ".join(said)


def _about_days(days: Period) -> list[str]:
    today = ", today so far" if days.unfinished(clock.now()) else ""
    return [f"{day_span(days.first, days.last)}{today}", f"{days.zone} time"]


def reset_filters() -> Callable[[], None] | None:
    """Resets the filters to their defaults; None if they are already there."""
    return addressed.reset if addressed.differing() else None


_SOURCE_LABELS = {"real": "Real", "simulated": "Simulated", "all": "All"}
_ABOUT_SOURCE = {
    "real": "real models only",
    "simulated": "simulated only",
    "all": "real and simulated together",
}


def _ready(name: str) -> Period:
    now = clock.now()
    return month(_MONTHS[name], zone(), now) if name in _MONTHS else latest(_LENGTHS[name], zone(), now)


def _days() -> Period:
    today = latest(1, zone(), clock.now()).last
    default = (today - timedelta(days=USUAL_DAYS - 1), today)
    key = addressed.prepared("days", default, _as_text(*default), _read_days)
    value = st.date_input("Days", key=key, max_value=today + _FURTHEST_AHEAD, width=240, label_visibility="collapsed")
    chosen = value if isinstance(value, tuple) else (value,)
    # Until the second day is chosen, the first one stands for both.
    first, last = (chosen[0], chosen[-1]) if chosen else default
    addressed.keep("days", (first, last), _as_text(first, last), None)
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
