"""The marks of a chart: each has a name, by which the address opens it and a list shows it for the keyboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import streamlit as st

from pages.parts import drawer

OWN_ADDRESS = {"own_address": True}
"""Plotly's `meta` of marks that have an address parameter of their own."""
_WIDTH = 190


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark that a click opens.

    Attributes:
        data: its custom data.
        trace, point: its place in the figure.
        addressed: whether the address may name it; False if it has a parameter of its own.
    """

    data: list[Any]
    trace: int
    point: int
    addressed: bool


Marks = Sequence[tuple[str, Mark]]
"""Marks with their names; two marks of one name stand for the same thing."""


def marks_of(traces: Sequence[Mapping[str, Any]]) -> Marks:
    """The marks, the latest day first; without those that have no custom data, and bars without length."""
    return tuple(_named(traces))


def _named(traces: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mark]]:
    for number, trace in enumerate(traces):
        across, along = ("y", "x") if trace.get("orientation") == "h" else ("x", "y")
        points = zip(trace.get(across, ()), trace.get(along, ()), trace.get("customdata", ()), strict=False)
        own = trace.get("meta") == OWN_ADDRESS
        named = [
            (_name(place, data, trace), Mark(list(data), number, point, not own))
            for point, (place, amount, data) in enumerate(points)
            if amount or (amount == 0 and trace["type"] != "bar")
        ]
        yield from reversed(named)


def mark_list(marks: Marks, key: str, title: str) -> str | None:
    """A box with the names of all marks; returns the chosen one, None if none is.

    Args:
        key: of the chart.
        title: of the chart.
    """
    key = f"list_{key}"
    chosen: str | None = st.selectbox(
        f"Open a data point of the chart: {title}", list(dict(marks)), index=None,
        placeholder="Open a data point", width=_WIDTH, key=drawer.widget_key(key), label_visibility="collapsed",
    )  # fmt: skip
    if chosen is not None:
        drawer.clicked(key)
    return chosen


def name_at(marks: Marks, trace: int, point: int) -> str | None:
    """The name of the mark at this place of the figure; None if there is none."""
    return next((name for name, mark in marks if (mark.trace, mark.point) == (trace, point)), None)


def addressed(marks: Marks, key: str) -> Mark | None:
    """The mark of this chart that the address opens; None if it opens none."""
    chart, _, name = st.query_params.get(drawer.MARK_PARAMETER, "").partition("~")
    return dict(marks).get(name) if chart == key else None


def opened(marks: Marks, key: str, chosen: str | None) -> list[Any] | None:
    """The custom data of the mark that was just chosen or that the address names; None if there is none.

    A mark that was chosen is written into the address, unless it has a parameter of its own.
    """
    mark = dict(marks)[chosen] if chosen else None
    if mark and not mark.addressed:
        return mark.data
    drawer.named(drawer.MARK_PARAMETER, f"{key}~{chosen}" if chosen else None, by=key)
    mark = addressed(marks, key)
    return mark.data if mark else None


def _name(place: object, data: Sequence[Any], trace: Mapping[str, Any]) -> str:
    of = trace.get("text") if isinstance(trace.get("text"), str) else trace.get("name")
    return " · ".join(_plain(part) for part in (_place(place, data), of) if part)


def _place(place: object, data: Sequence[Any]) -> str:
    """A day, a category, or for a number what the mark says of itself."""
    if isinstance(place, date):
        return f"{place:%-d %b %Y}"
    if isinstance(place, str):
        try:
            return f"{datetime.fromisoformat(place):%-d %b %Y}"
        except ValueError:
            return place
    return str(data[1])


def _plain(text: str) -> str:
    return text.replace("<br>", " ").replace("&lt;", "<").replace("&amp;", "&")
