"""Marks on daily charts: when a system key was changed or a prompt version was first used."""

from __future__ import annotations

import textwrap
from datetime import date
from zoneinfo import ZoneInfo

from pages.parts.charts import CLEAR, Figure, edge
from pages.parts.palette import GREY
from pages.parts.system_keys import changes_in_words, pairs
from pages.parts.words import charted
from queries.figures import Change, Figures
from queries.prompts import new_prompts

_LINE_CHARS = 44


def mark_changes(drawn: Figure, figures: Figures) -> None:
    """Dotted lines when a system key was changed or a prompt version was first used; details on hover."""
    period, told = figures.period, dict[date, list[str]]()
    for save in (save for save in figures.changes if period.begins <= save.at < period.ends):
        at = save.at.astimezone(ZoneInfo(period.zone))
        told.setdefault(at.date(), []).append(f"{at:%H:%M} {save.by or 'unknown user'}: {_what(save)}")
    for version, day in new_prompts(figures).items():
        told.setdefault(day, []).append(f"Prompt version {version} first used")
    for day in told:
        drawn.layout["shapes"].append(
            {
                "type": "line", "yref": "y domain", "y0": 0, "y1": 1, "x0": edge(day, 0), "x1": edge(day, 0),
                "line": {"dash": "dot", "width": 1, "color": GREY},
            }
        )  # fmt: skip
    if told:
        drawn.add(
            "scatter",
            x=[edge(day, 0) for day in told], y=[1] * len(told), yaxis="y2", mode="markers", name="Changes",
            marker={"symbol": "triangle-down", "size": 10, "color": GREY},
            text=["<br>".join(map(charted, _lines(said))) for said in told.values()],
            hovertemplate="%{x|%a %-d %b}<br>%{text}<extra></extra>", unselected=CLEAR,
        )  # fmt: skip
        drawn.layout["yaxis2"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}


def _lines(said: list[str]) -> list[str]:
    """The sentences, wrapped to fit on a phone."""
    return [line for sentence in said for line in textwrap.wrap(sentence, _LINE_CHARS)]


def _what(save: Change) -> str:
    return "; ".join(changes_in_words(pairs(save.changes))) + (" (sample)" if save.sample else "")
