"""Charts: one style, the same marks for the same things, and the figures behind each as a file."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import pandas as pd
import streamlit as st

from pages.parts import drawer, tables
from pages.parts.marks import addressed, mark_list, marks_of, name_at, opened
from pages.parts.palette import GREY
from pages.parts.theme import page_colour, text_colour
from queries.period import Period

HEIGHT = 320
_LEGEND = {
    "orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0, "title": None,
    "traceorder": "normal",
}  # fmt: skip
_PALE = 0.45
CLEAR = {"marker": {"opacity": 1}}
"""For marks that keep their look while another one is selected."""
_TARGET_ROOM = 56
_NAME_CHARS = 11
_NAMED_DAYS = 10
_DAY_MS = 86_400_000
_BAR_DAYS = 0.75
_FEW = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart in Plotly's format, as plain values that Plotly checks when it is shown.

    Plotly checks its own figure class at every step, which takes three times as long.
    """

    layout: dict[str, Any]
    data: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, **trace: Any) -> None:
        """Add a set of marks: `bar`, `scatter` and the like."""
        self.data.append({"type": kind, **trace})

    def axis(self, name: Literal["x", "y"], **look: Any) -> None:
        """Change the look of an axis."""
        self.layout[f"{name}axis"] |= look


def figure(*, y_title: str, height: int = HEIGHT, over: Period | None = None, **look: Any) -> Figure:
    """An empty figure in the console's style, its amounts starting at zero.

    Args:
        over: the period whose days the x axis shows, if it shows days.
        look: other settings of Plotly's layout that differ from its defaults.
    """
    words = {"color": text_colour()}
    return Figure(
        {
            # Streamlit's template would be sent with each chart, ten times the chart's size, and replaced on arrival.
            "template": {},
            "height": height,
            "margin": {"l": 8, "r": 8, "t": 36, "b": 8},
            "legend": _LEGEND,
            "hovermode": "closest",
            "bargap": 1 - _BAR_DAYS,
            "separators": ".,",
            "yaxis": {
                "title": {"text": y_title, "font": words},
                "tickfont": words,
                "rangemode": "tozero",
                "automargin": True,
                "exponentformat": "none",
            },
            "xaxis": {"automargin": True, "title": None, "tickfont": words} | (_days(over) if over else {}),
            "shapes": [],
            "annotations": [],
        }
        | look
    )


def _days(period: Period) -> dict[str, Any]:
    every_day = len(period.days) <= _NAMED_DAYS
    return {
        "type": "date",
        # Only the first tick of a month names it, so that ten days fit on a phone.
        "tickformat": "%-d\n%b",
        "dtick": _DAY_MS if every_day else None,
        "nticks": _NAMED_DAYS,
        "tickangle": 0,
        "range": [edge(period.first, -12), edge(period.last, 12)],
    }


def bars(
    drawn: Figure, at: Sequence[date], values: Sequence[Any], *, name: str, marker: dict[str, Any],
    about: Sequence[Sequence[Any]], words: str, unfinished: date | None,
) -> None:  # fmt: skip
    """Bars over days, the unfinished day pale.

    Args:
        about: what each bar carries, its day first; `words`, the hover template, can refer to it as customdata.
    """
    drawn.add(
        "bar",
        x=list(at),
        y=numbers(values),
        name=name,
        # Set explicitly: the bar of a single day would be one millisecond wide.
        width=_BAR_DAYS * _DAY_MS,
        marker=marker | {"opacity": [_PALE if day == unfinished else 1 for day in at]},
        customdata=[list(entry) for entry in about],
        hovertemplate=f"%{{x|%a %-d %b}}<br>{words}<extra></extra>",
    )


def whole(drawn: Figure, along: Literal["x", "y"] = "y") -> None:
    """Use whole numbers on the axis even if the bars are so short that ticks would fall in between."""
    lengths, across = Counter[Any](), "x" if along == "y" else "y"
    for trace in drawn.data:
        for at, number in zip(trace[across], trace[along], strict=True):
            lengths[at] += number or 0
    if max(lengths.values(), default=0) <= _FEW:
        drawn.axis(along, dtick=1)


def target(drawn: Figure, value: float, words: str) -> None:
    """A dashed line for a target or limit, labelled in a word or two."""
    drawn.layout["shapes"].append(
        {
            "type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": value, "y1": value,
            "line": {"dash": "dash", "width": 1, "color": GREY},
        }
    )  # fmt: skip
    drawn.layout["annotations"].append(
        {
            "text": words, "xref": "x domain", "x": 1, "xanchor": "left", "xshift": 4, "y": value, "yanchor": "middle",
            "showarrow": False, "font": {"size": 11, "color": text_colour()},
        }
    )  # fmt: skip
    drawn.layout["margin"]["r"] = _TARGET_ROOM


def show(
    drawn: Figure,
    frame: pd.DataFrame,
    *,
    key: str,
    title: str,
    alt: str,
    note: str | None = None,
    drill: bool = False,
) -> list[Any] | None:
    """Draw a chart on a card, with its figures as CSV.

    Args:
        frame: exactly what is drawn.
        title: the question or the finding.
        alt: the chart in a sentence, for those who cannot see it.
        drill: whether marks can be clicked.

    Returns:
        The custom data of the mark that was clicked, or chosen from the list; None if none was.
    """
    marks = marks_of(drawn.data) if drill else ()
    if mark := addressed(marks, key):
        # As if it had just been clicked.
        drawn.data[mark.trace] |= {"selectedpoints": [mark.point]}
    with st.container(border=True, height="stretch"):
        st.subheader(title, anchor=False)
        points = _draw(drawn, f"chart_{key}", alt, drill=drill)
        with st.container(
            horizontal=True, wrap=False, vertical_alignment="center", horizontal_alignment="distribute",
            key=f"below_{key}",
        ):  # fmt: skip
            st.caption(note or "", width="stretch")
            listed = mark_list(marks, key, title) if marks else None
            tables.download(frame, key)
    clicked = name_at(marks, points[0]["curve_number"], points[0]["point_index"]) if points else None
    return opened(marks, key, clicked or listed) if drill else None


def wrapped(name: str) -> str:
    """A name over several lines, for an axis or a box on a narrow screen."""
    return "<br>".join(textwrap.wrap(name, _NAME_CHARS))


def edge(day: date, hours: int) -> str:
    """The time so many hours from the middle of a day's bar, as the axis takes it."""
    return (datetime.combine(day, datetime.min.time()) + pd.Timedelta(hours=hours)).isoformat()


def numbers(values: Sequence[Any]) -> list[float | None]:
    """Exact numbers as floats for a chart; None stays None."""
    return [None if value is None else float(value) for value in values]


def _draw(drawn: Figure, key: str, alt: str, *, drill: bool) -> list[Any]:
    """The clicked points; none if marks cannot be clicked or there is nothing to draw."""
    if not drawn.data:
        st.caption("Nothing to draw: the data for this chart is unknown for every generation here.")
        return []
    # Plotly's default is white on the mark's colour, which is hard to read.
    hover = {"bgcolor": page_colour(), "bordercolor": GREY, "font": {"color": text_colour()}}
    chart, config = {"data": drawn.data, "layout": drawn.layout | {"hoverlabel": hover}}, {"displayModeBar": False}
    if not drill:
        st.plotly_chart(chart, key=key, alt=alt, config=config)
        return []
    clicked = st.plotly_chart(
        chart, key=drawer.widget_key(key), alt=alt, config=config, on_select="rerun", selection_mode="points"
    )
    points = list(clicked["selection"]["points"])
    if points:
        drawer.clicked(key)
    return points
