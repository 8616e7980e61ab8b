"""The models' marks on charts: each model in its own colour, wasted cost hatched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd

from pages.parts import charts
from pages.parts.charts import Figure
from pages.parts.lines import line
from pages.parts.palette import GREY, colour, mark, place

_NONE = "rgba(0,0,0,0)"


def bars(drawn: Figure, frame: pd.DataFrame, column: str, words: str, unfinished: date | None) -> None:
    """Stacked bars of counts per day, one colour per model.

    Args:
        frame: with the columns day, generator and `column`.
        words: hover template for a value.
    """
    for name, own in by_model(frame, "generator"):
        charts.bars(
            drawn,
            own["day"].tolist(),
            own[column].tolist(),
            name=mark(name),
            marker={"color": colour(name)},
            about=[[str(day), name] for day in own["day"]],
            words=f"{mark(name)}: {words}",
            unfinished=unfinished,
        )
    charts.whole(drawn)
    drawn.layout["barmode"] = "stack"


def spent(drawn: Figure, frame: pd.DataFrame, unfinished: date | None) -> None:
    """Stacked bars of cost per day, each model's accepted part in its colour and its wasted part hatched.

    Args:
        frame: see `queries.cost.CostReport.daily`.
    """
    for name, own in by_model(frame, "generator"):
        days = own[["cost_usd", "answers_usd", "wasted_usd"]].itertuples(index=False)
        used, wasted, whole = zip(*map(_parts, days), strict=True)
        solid = {"color": colour(name)}
        hatched = {"color": GREY, "pattern": {"shape": "/", "fgcolor": colour(name), "bgcolor": _NONE, "size": 6}}
        parts = ((used, "answers", solid), (wasted, "waste", hatched), (whole, "answers and waste", solid))
        for values, words, marker in parts:
            if any(values):
                charts.bars(
                    drawn,
                    own["day"].tolist(),
                    values,
                    name=f"{mark(name)}, {words}",
                    marker=marker,
                    about=[[str(day), name, of] for day, of in zip(own["day"], own["generations"], strict=True)],
                    words=f"{mark(name)}, {words}: $%{{y:,.4f}}<br>%{{customdata[2]:,}} workflows",
                    unfinished=unfinished,
                )
    drawn.layout["barmode"] = "stack"


def _parts(day: Any) -> tuple[Any, Any, Any]:
    """A day's cost as answers and waste, or as a whole if the two cannot be told apart."""
    known = day.answers_usd is not None
    return (day.answers_usd, day.wasted_usd, None) if known else (None, None, day.cost_usd)


def lines(
    drawn: Figure, frame: pd.DataFrame, column: str, *, model: str, whole: str, words: str, unfinished: date | None,
    scale: float = 1,
) -> None:  # fmt: skip
    """A line per model over the days.

    Args:
        frame: with the columns day, `column`, `model` and `whole`, the denominator.
        words: hover template for a value; `%{customdata[2]}` is the denominator.
        scale: what values are divided by.
    """
    for name, own in by_model(frame, model):
        line(
            drawn,
            own["day"].tolist(),
            [None if value is None else float(value) / scale for value in own[column]],
            name=mark(name),
            colour=colour(name),
            about=[[str(day), name, of] for day, of in zip(own["day"], own[whole], strict=True)],
            words=f"{mark(name)}: {words}",
            unfinished=unfinished,
            cases=own[whole].tolist(),
            so_far=f"today: {own[whole].iloc[-1]:,} so far",
        )


def by_model(frame: pd.DataFrame, column: str) -> Iterator[tuple[str | None, pd.DataFrame]]:
    """Each model's name and rows, in the order of the colours; None for the unknown one."""
    for name in sorted({name if isinstance(name, str) else None for name in frame[column]}, key=place):
        yield name, frame[frame[column].isna() if name is None else frame[column] == name]
