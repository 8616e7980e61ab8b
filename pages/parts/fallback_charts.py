"""The charts of the fallbacks page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from pages.parts import charts
from pages.parts.behind import behind, clicked_day
from pages.parts.charts import numbers
from pages.parts.day_story import day_story
from pages.parts.filters import Chosen
from pages.parts.palette import GREY, REASON_COLOURS, REASON_LABELS, colour, label
from pages.parts.words import NONE, count, day, money, percent, threshold
from queries import targets
from queries.behind import Which
from queries.fallbacks import SERVICE_BANDS, STEP_BANDS, FallbackReport
from queries.tally import REASONS
from store import Database


def rate(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate day by day against the three limits; a click shows the fallbacks of a day."""
    drawn = charts.figure(y_title="Fallback rate, %", height=360, over=chosen.period)
    frame = report.daily
    charts.line(
        drawn,
        frame["day"].tolist(),
        frame["rate_pct"].tolist(),
        name="Fallback rate",
        colour=REASON_COLOURS["api_error"],
        about=[[str(row["day"]), row["fallbacks"], row["completed"]] for row in frame.to_dict("records")],
        words="%{y:.1f} %: %{customdata[1]:,} of %{customdata[2]:,}",
        unfinished=chosen.unfinished,
    )
    for limit, words in (
        (targets.FALLBACK.bad_pct, "act"),
        (targets.FALLBACK.good_pct, "target"),
        (targets.FALLBACK_RARE_PCT, "rare"),
    ):
        charts.target(drawn, float(limit), words)
    charts.changes(drawn, report.changes, chosen.period.zone, _first_days(report, chosen))
    clicked = charts.show(
        drawn,
        frame,
        key="fallback_rate",
        title="How often did the fallback answer?",
        alt=f"Fallback rate per day, {percent(report.total.fallback.pct)} over the period",
        note=f"Above {threshold(targets.FALLBACK.bad_pct)} improve the prompts; below "
        f"{threshold(targets.FALLBACK_RARE_PCT)} a fallback is hardly needed. Dotted: a system key was changed or a "
        "prompt version first used. Click a day for its story.",
        drill=True,
    )
    if clicked and (of := clicked_day(clicked[0])):
        day_story(report, chosen, of)
        _behind(person, chosen, of, None)


def reasons(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The fallbacks of each day by reason; a click shows those behind a bar."""
    drawn = charts.figure(y_title="Fallbacks a day", over=chosen.period)
    frame = report.daily[["day", *REASONS]]
    for reason in REASONS:
        charts.bars(
            drawn,
            frame["day"].tolist(),
            frame[reason].tolist(),
            name=REASON_LABELS[reason],
            marker={"color": REASON_COLOURS[reason]},
            about=[[str(of), reason, all_] for of, all_ in zip(frame["day"], report.daily["fallbacks"], strict=True)],
            words=f"{REASON_LABELS[reason]}: %{{y:,}} of %{{customdata[2]:,}} fallbacks",
            unfinished=chosen.unfinished,
        )
    drawn.update_layout(barmode="stack")
    clicked = charts.show(
        drawn,
        frame,
        key="fallback_reasons",
        title="Why was it asked?",
        alt="Fallbacks per day by reason",
        note="Click a bar for the generations behind it.",
        drill=True,
    )
    if clicked and (of := clicked_day(clicked[0])):
        _behind(person, chosen, of, clicked[1])


def cost(report: FallbackReport) -> None:
    """What each reason cost, as a table that adds up."""
    frame = report.reasons
    total = report.total.fallback.part
    rows = [
        {
            "Reason": REASON_LABELS[row["reason"]],
            "Fallbacks": count(row["fallbacks"]),
            "Share": percent(100 * row["fallbacks"] / total) if total else NONE,
            "Cost": money(row["cost_usd"]) if row["fallbacks"] else NONE,
            "of it wasted": money(row["wasted_usd"]) if row["fallbacks"] else NONE,
        }
        for row in frame.to_dict("records")
    ]
    charts.table(
        rows,
        frame,
        key="fallback_cost",
        title="What did the fallbacks cost?",
        note="Whole cost of the generations that the fallback answered, and what their first attempts wasted.",
    )


def by_primary(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate of each model that was asked first; a click shows its fallbacks."""
    frame = report.by_primary
    clicked = _bands(
        frame,
        [label(name) for name in frame["primary_model"]],
        [colour(name) for name in frame["primary_model"]],
        key="fallback_primary",
        title="Which first model needed it?",
        note="Thin lines: where the true rate lies, 95 % sure. Click a bar for its fallbacks.",
    )
    if clicked:
        name = frame["primary_model"][clicked[0]]
        which = Which(outcome="completed", primary_model=name, fallback_reason="any")
        behind(person, chosen, None, which, f"Fallbacks with {label(name)} asked first")


def by_steps(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate by the number of steps; a click shows the fallbacks of a group."""
    names = report.by_steps["band"].tolist()
    clicked = _bands(
        report.by_steps,
        names,
        [REASON_COLOURS["api_error"]] * len(names),
        key="fallback_steps",
        title="Do long workflows need it more?",
        note="By the steps of the accepted workflow. Click a bar for its fallbacks.",
    )
    if clicked:
        band = next(band for band in STEP_BANDS if band.name == names[clicked[0]])
        which = replace(_fallen(chosen), steps_from=band.least, steps_to=band.most)
        behind(person, chosen, None, which, f"Fallbacks with {band.name} steps")


def by_services(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate by the number of connected services; a click shows the fallbacks of a group."""
    names = report.by_services["band"].tolist()
    clicked = _bands(
        report.by_services,
        names,
        [REASON_COLOURS["api_error"]] * len(names),
        key="fallback_services",
        title="Do many services make it harder?",
        note="By the connected services. Click a bar for its fallbacks.",
    )
    if clicked:
        band = next(band for band in SERVICE_BANDS if band.name == names[clicked[0]])
        which = replace(_fallen(chosen), services_from=band.least, services_to=band.most)
        behind(person, chosen, None, which, f"Fallbacks with {band.name} services")


def findings(report: FallbackReport) -> str | None:
    """The rules that refused most replies; the code of the one that was clicked."""
    frame = report.findings.head(10)
    if frame.empty:
        return None
    drawn = charts.figure(y_title="", height=80 + 26 * len(frame))
    drawn.add_trace(
        go.Bar(
            x=numbers(frame["attempts"].tolist()),
            y=[code.replace("_", " ") for code in frame["code"]],
            customdata=[[code] for code in frame["code"]],
            orientation="h",
            marker_color=REASON_COLOURS["validation_failed"],
            hovertemplate="%{y}: %{x:,} replies<extra></extra>",
        )
    )
    drawn.update_yaxes(autorange="reversed", type="category")
    drawn.update_xaxes(title="Replies refused")
    clicked = charts.show(
        drawn,
        frame,
        key="fallback_findings",
        title="What was wrong with the refused answers?",
        alt="Replies refused by rule, most frequent first",
        note="A reply may break several rules. Click a bar to see such answers, at the end of the page.",
        drill=True,
    )
    return str(clicked[0]) if clicked else None


def prompts(report: FallbackReport) -> None:
    """How each prompt version did; nothing while there was but one."""
    frame = report.prompts
    if len(frame) < 2:
        return
    rows = [
        {
            "Prompt version": row["prompt_version"] if row["prompt_version"] is not None else NONE,
            "First used": day(row["first_day"]),
            "Replies": count(row["replies"]),
            "Validated": percent(row["valid_pct"]),
        }
        for row in frame.to_dict("records")
    ]
    charts.table(rows, frame, key="fallback_prompts", title="Did a prompt release change anything?")


def _bands(
    frame: pd.DataFrame, names: list[str], shades: list[str], *, key: str, title: str, note: str
) -> list[Any] | None:
    """Rates as bars with the interval in which the true rate lies; the place of the bar that was clicked."""
    if frame.empty:
        return None
    rates, low, high = (numbers(frame[name].tolist()) for name in ("rate_pct", "low_pct", "high_pct"))
    drawn = charts.figure(y_title="Fallback rate, %", height=280)
    drawn.add_trace(
        go.Bar(
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
            "<br>95 % sure between %{customdata[3]:.1f} and %{customdata[4]:.1f} %<extra></extra>",
        )
    )
    charts.target(drawn, float(targets.FALLBACK.good_pct), "target")
    drawn.update_layout(showlegend=False)
    drawn.update_xaxes(type="category")
    return charts.show(drawn, frame, key=key, title=title, alt=title, note=note, drill=True)


def _first_days(report: FallbackReport, chosen: Chosen) -> dict[int, date]:
    """The prompt versions that were first used within the period: not on its first day, when they may be older."""
    return {
        int(row["prompt_version"]): row["first_day"]
        for row in report.prompts.to_dict("records")
        if row["prompt_version"] is not None and row["first_day"] != chosen.period.first
    }


def _fallen(chosen: Chosen, reason: str = "any") -> Which:
    return Which(outcome="completed", primary_model=chosen.model, fallback_reason=reason)


def _behind(person: Database, chosen: Chosen, of: date, reason: str | None) -> None:
    which = _fallen(chosen, reason or "any")
    what = REASON_LABELS[reason] if reason else "Fallbacks"
    behind(person, chosen, of, which, f"{what} on {day(of)}")
