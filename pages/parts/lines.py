"""Lines over days, of which a day with few cases is no part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pages.parts import charts
from pages.parts.charts import Figure
from pages.parts.theme import text_colour
from queries.deviations import ENOUGH_CASES

_PALE = 0.45
_RING = 13


def line(
    drawn: Figure, at: Sequence[date], values: Sequence[Any], *, name: str, colour: str,
    about: Sequence[Sequence[Any]], words: str, unfinished: date | None, cases: Sequence[int], so_far: str = "",
) -> None:  # fmt: skip
    """A line over days; towards the unfinished day it is dotted and ends in a hollow point. See `charts.bars`.

    Days with fewer than `ENOUGH_CASES` are pale points beside the line: a day on which 1 of 9 failed is no peak.

    Args:
        cases: how many cases each value is based on.
        so_far: what to write at the unfinished day if it has too few cases.
    """
    rows = list(zip(at, charts.numbers(values), [list(entry) for entry in about], cases, strict=True))
    enough = [row for row in rows if row[3] >= ENOUGH_CASES]
    # A day without a value interrupts the line.
    finished = [row if row[3] >= ENOUGH_CASES else (row[0], None, *row[2:]) for row in rows if row[0] != unfinished]
    finished = finished if any(row[1] is not None for row in finished) else []
    today = [row for row in enough if row[0] == unfinished]
    solid = {"mode": "lines+markers", "line": {"color": colour, "width": 2}, "marker": {"size": 6}}
    dotted = {
        "mode": "lines+markers",
        "line": {"color": colour, "width": 1.5, "dash": "dot"},
        "marker": {"size": 7, "symbol": "circle-open"},
    }
    pale = {
        "mode": "markers+text",
        "marker": {"size": 6, "color": colour, "opacity": _PALE},
        "textfont": {"size": 11, "color": text_colour()},
    }
    _points(drawn, finished, solid, name, words, unfinished)
    _points(drawn, finished[-1:] + today if today else [], dotted, name, words, unfinished, legend=not finished)
    few = [row for row in rows if row[3] < ENOUGH_CASES and row[1] is not None]
    highest = max((row[1] for row in rows if row[1] is not None), default=0)
    pale["text"] = [so_far if row[0] == unfinished else "" for row in few]
    pale["textposition"] = ["bottom left" if (row[1] or 0) > highest / 2 else "top left" for row in few]
    note = f"<br>fewer than {ENOUGH_CASES} cases"
    _points(drawn, few, pale, name, words + note, unfinished, legend=not enough)


def ring(drawn: Figure, at: date, value: float) -> None:
    """A ring around the point whose drawer is open."""
    drawn.add(
        "scatter", x=[at], y=[value], mode="markers", showlegend=False, hoverinfo="skip", unselected=charts.CLEAR,
        marker={"size": 16, "symbol": "circle-open", "color": text_colour(), "line": {"width": 2}},
    )  # fmt: skip


def _points(
    drawn: Figure,
    rows: Sequence[tuple[Any, ...]],
    look: dict[str, Any],
    name: str,
    words: str,
    unfinished: date | None,
    *,
    legend: bool = True,
) -> None:
    if not rows:
        return
    dates, amounts, carried, _ = zip(*rows, strict=True)
    so_far = " (so far)" if unfinished in dates else ""
    drawn.add(
        "scatter",
        x=list(dates),
        y=list(amounts),
        name=name,
        legendgroup=name,
        showlegend=legend,
        customdata=list(carried),
        hovertemplate=f"%{{x|%a %-d %b}}{so_far}<br>{words}<extra></extra>",
        unselected=charts.CLEAR,
        selected={"marker": {"size": _RING}},
        **look,
    )
