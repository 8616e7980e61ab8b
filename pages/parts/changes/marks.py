"""Marks on daily charts: a labelled line for each change, all of which can be clicked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from pages.parts.changes.names import short, title
from pages.parts.charts import Figure, edge
from pages.parts.marks import OWN_ADDRESS
from pages.parts.palette import GREY
from pages.parts.theme import page_colour, text_colour
from pages.parts.words import charted
from queries.changes import Change, changes_in
from queries.figures import Figures

CHANGE_PARAMETER = "change"
"""The address parameter for the change whose drawer is open."""
CLICKED = "change_clicked"
"""Session key: the change that was clicked in this run."""
_MARKED = "change"
_LINE_CHARS = 44
_POINTS = 16
"""Along each line, so that all of it reacts."""


def mark_changes(drawn: Figure, figures: Figures) -> None:
    """A dotted line with a short label at each change of the period; details on hover."""
    period, days = figures.period, dict[date, list[Change]]()
    for change in changes_in(figures):
        if period.begins <= change.at < period.ends:
            days.setdefault(change.at.astimezone(ZoneInfo(period.zone)).date(), []).append(change)
    for day, changes in days.items():
        _line(drawn, day, changes)
        drawn.add(
            "scatter",
            x=[edge(day, 0)] * _POINTS, y=[place / (_POINTS - 1) for place in range(_POINTS)], yaxis="y2",
            mode="markers", meta=OWN_ADDRESS, marker={"size": 12, "color": GREY, "opacity": 0}, showlegend=False,
            customdata=[[_MARKED, changes[0].id]] * _POINTS, unselected=_UNSEEN, selected=_UNSEEN,
            text="<br>".join(map(charted, _lines(changes, period.zone))),
            hovertemplate="%{x|%a %-d %b}<br>%{text}<extra></extra>",
        )  # fmt: skip
    if days:
        drawn.layout["yaxis2"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}


_UNSEEN = {"marker": {"opacity": 0}}


def _line(drawn: Figure, day: date, changes: Sequence[Change]) -> None:
    opened = st.query_params.get(CHANGE_PARAMETER) in {change.id for change in changes}
    drawn.layout["shapes"].append(
        {
            "type": "line", "yref": "y domain", "y0": 0, "y1": 1, "x0": edge(day, 0), "x1": edge(day, 0),
            "line": {"dash": "solid" if opened else "dot", "width": 2 if opened else 1, "color": GREY},
        }
    )  # fmt: skip
    more = f" +{len(changes) - 1}" if len(changes) > 1 else ""
    drawn.layout["annotations"].append(
        {
            "text": charted(short(changes[0])) + more, "x": edge(day, 0), "yref": "y domain", "y": 1,
            "xanchor": "right", "yanchor": "top", "textangle": -90, "showarrow": False,
            "font": {"size": 11, "color": text_colour()}, "bgcolor": page_colour(), "opacity": 0.85,
        }
    )  # fmt: skip


def taken(clicked: list[Any] | None) -> list[Any] | None:
    """What was clicked unless it is a change, which is remembered for the drawer at the end of the page."""
    if clicked and clicked[0] == _MARKED:
        st.session_state[CLICKED] = clicked[1]
        return None
    return clicked


def _lines(changes: Sequence[Change], zone: str) -> list[str]:
    """The changes of a day, wrapped to fit on a phone."""
    told = [_told(change, zone) for change in changes]
    return [line for sentence in told for line in textwrap.wrap(sentence, _LINE_CHARS)]


def _told(change: Change, zone: str) -> str:
    sample = " (sample)" if change.sample else ""
    if change.prompt_version is not None:
        return title(change) + sample
    return f"{change.at.astimezone(ZoneInfo(zone)):%H:%M} {change.by or 'unknown user'}: {title(change)}{sample}"
