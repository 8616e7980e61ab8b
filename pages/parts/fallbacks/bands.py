"""Which generations needed the fallback: by primary model, by steps, by services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from pages.parts import charts
from pages.parts.charts import numbers
from pages.parts.filters import Chosen
from pages.parts.generation.drill_down import drill_down
from pages.parts.palette import FALLBACK_COLOUR, GREY, colour, label, mark
from queries import targets
from queries.fallbacks import SERVICE_BANDS, STEP_BANDS, Band, FallbackReport
from queries.records.generations import UNKNOWN, Which
from store import Database


def by_primary(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate of each primary model; a click shows its fallbacks."""
    frame = report.by_primary
    clicked = _bars(
        frame,
        [mark(name) for name in frame["primary_model"]],
        [colour(name) for name in frame["primary_model"]],
        key="fallback_primary",
        title="Which primary models needed the fallback?",
        note="Thin lines: 95 % CI. Click a bar to see its fallbacks.",
    )
    if clicked:
        name = frame["primary_model"][clicked[0]]
        which = _fallbacks(name or UNKNOWN)
        drill_down(person, chosen, None, which, f"Fallbacks with {label(name)} asked first")


def by_steps(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate by the number of steps; a click shows the fallbacks of a group."""
    band = _by_band(
        report.by_steps, STEP_BANDS, key="fallback_steps", title="Do long workflows need the fallback more often?",
        note="By number of steps in the accepted workflow. Click a bar to see its fallbacks.",
    )  # fmt: skip
    if band:
        which = replace(_fallbacks(chosen.model), steps_from=band.least, steps_to=band.most)
        drill_down(person, chosen, None, which, f"Fallbacks with {band.name} steps")


def by_services(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate by the number of connected services; a click shows the fallbacks of a group."""
    band = _by_band(
        report.by_services, SERVICE_BANDS, key="fallback_services", title="Do more services mean more fallbacks?",
        note="By number of connected services. Click a bar to see its fallbacks.",
    )  # fmt: skip
    if band:
        which = replace(_fallbacks(chosen.model), services_from=band.least, services_to=band.most)
        drill_down(person, chosen, None, which, f"Fallbacks with {band.name} services")


def _fallbacks(primary: str | None) -> Which:
    return Which("completed", primary, fallback_reason="any", overridden=False)


def _by_band(frame: pd.DataFrame, bands: Sequence[Band], *, key: str, title: str, note: str) -> Band | None:
    names = frame["band"].tolist()
    clicked = _bars(frame, names, [FALLBACK_COLOUR] * len(names), key=key, title=title, note=note)
    return next(band for band in bands if band.name == names[clicked[0]]) if clicked else None


def _bars(
    frame: pd.DataFrame, names: list[str], shades: list[str], *, key: str, title: str, note: str
) -> list[Any] | None:
    """Rates as bars with their confidence intervals; returns the index of the clicked bar."""
    if frame.empty:
        return None
    rates, low, high = (numbers(frame[name].tolist()) for name in ("rate_pct", "low_pct", "high_pct"))
    drawn = charts.figure(y_title="Fallback rate, %", height=280, showlegend=False)
    drawn.add(
        "bar",
        x=names,
        y=rates,
        marker_color=shades,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [(top or 0) - (rate or 0) for top, rate in zip(high, rates, strict=True)],
            "arrayminus": [(rate or 0) - (bottom or 0) for bottom, rate in zip(low, rates, strict=True)],
            "color": GREY,
            "thickness": 1.5,
        },
        customdata=[
            [place, row["fallbacks"], row["completed"], row["low_pct"], row["high_pct"]]
            for place, row in enumerate(frame.to_dict("records"))
        ],
        hovertemplate="%{x}: %{y:.1f} %, %{customdata[1]:,} of %{customdata[2]:,}"
        "<br>95 % CI: %{customdata[3]:.1f} to %{customdata[4]:.1f} %<extra></extra>",
    )
    charts.target(drawn, float(targets.FALLBACK.good_pct), "target")
    drawn.axis("x", type="category", tickangle=0, labelalias={name: charts.wrapped(name) for name in names})
    return charts.show(drawn, frame, key=key, title=title, alt=title, note=note, drill=True)
