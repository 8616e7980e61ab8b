"""The marks of a chart as a list, for those who open them by keyboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import streamlit as st

from pages.parts import drawer

_WIDTH = 170


def mark_list(traces: Sequence[Mapping[str, Any]], key: str, title: str) -> list[Any] | None:
    """A box with every mark that a click would open; returns the custom data of the chosen one, None if none is.

    Args:
        traces: in Plotly's format; marks without custom data, without an amount, or with an amount of 0 are left out.
        title: of the chart.
    """
    found = dict(_named(traces))
    key = f"list_{key}"
    chosen = st.selectbox(
        f"Open a mark of the chart: {title}", list(found), index=None, placeholder="Open a mark", width=_WIDTH,
        key=drawer.widget_key(key), label_visibility="collapsed",
    )  # fmt: skip
    if chosen is None:
        return None
    drawer.clicked(key)
    return found[chosen]


def _named(traces: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Each mark's name with its custom data, the latest day first."""
    for trace in traces:
        across, along = ("y", "x") if trace.get("orientation") == "h" else ("x", "y")
        marks = zip(trace.get(across, ()), trace.get(along, ()), trace.get("customdata", ()), strict=False)
        named = [(_name(place, data, trace), list(data)) for place, amount, data in marks if amount]
        yield from reversed(named)


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
