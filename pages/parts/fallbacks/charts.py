"""The charts of the fallbacks page."""

from __future__ import annotations

from datetime import date
from functools import partial

import pandas as pd
import streamlit as st

from pages.parts import charts, tables
from pages.parts.changes.marks import mark_changes, taken
from pages.parts.charts import Figure, numbers
from pages.parts.drawer import drawer, named
from pages.parts.fallbacks.day_story import day_story
from pages.parts.filters import Chosen
from pages.parts.generation.drill_down import clicked_day, drill_down, listed
from pages.parts.lines import line, ring
from pages.parts.marks import OWN_ADDRESS
from pages.parts.palette import FALLBACK_COLOUR, REASON_COLOURS, REASON_LABELS
from pages.parts.words import NONE, count, day, money, percent, spoken, threshold
from queries import targets
from queries.fallbacks import FallbackReport
from queries.records.generations import Which
from queries.tally import REASONS
from store import Database

_DAY = "day"


def rate(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate per day against the three limits; a click shows the fallbacks of a day."""
    drawn = charts.figure(y_title="Fallback rate, %", height=360, over=chosen.period)
    frame = report.daily
    line(
        drawn,
        frame["day"].tolist(),
        frame["rate_pct"].tolist(),
        name="Fallback rate",
        colour=FALLBACK_COLOUR,
        about=[[str(row["day"]), row["fallbacks"], row["completed"]] for row in frame.to_dict("records")],
        words="%{y:.1f} %: %{customdata[1]:,} of %{customdata[2]:,}",
        unfinished=chosen.unfinished,
        cases=frame["completed"].tolist(),
        so_far=f"today: {frame['fallbacks'].iloc[-1]} of {frame['completed'].iloc[-1]}",
    )
    for limit, words in (
        (targets.FALLBACK.bad_pct, "limit"),
        (targets.FALLBACK.good_pct, "target"),
        (targets.FALLBACK_RARE_PCT, "rare"),
    ):
        charts.target(drawn, float(limit), words)
    _mark_opened(drawn, frame)
    mark_changes(drawn, report.figures)
    clicked = taken(
        charts.show(
            drawn,
            frame,
            key="fallback_rate",
            title="How often did the fallback answer?",
            alt=f"Fallback rate per day, {percent(report.total.as_configured.fallback.pct)} over the period",
            note=f"Above {threshold(targets.FALLBACK.bad_pct)}, improve the prompts; below "
            f"{threshold(targets.FALLBACK_RARE_PCT)}, the fallback is rarely needed. Click a day or a change "
            "to see what happened.",
            drill=True,
        )
    )
    _open_day(report, chosen, person, clicked_day(clicked[0]) if clicked else None)


def _mark_opened(drawn: Figure, frame: pd.DataFrame) -> None:
    """The ring around the day whose drawer is open; days have an address parameter of their own."""
    for trace in drawn.data:
        trace["meta"] = OWN_ADDRESS
    opened = clicked_day(st.query_params.get(_DAY))
    for row in frame.to_dict("records"):
        if row["day"] == opened and row["rate_pct"] is not None:
            ring(drawn, row["day"], float(row["rate_pct"]))


def _open_day(report: FallbackReport, chosen: Chosen, person: Database, clicked: date | None) -> None:
    """The drawer of the day that was clicked, or that the address names."""
    if (of := clicked_day(named(_DAY, clicked.isoformat() if clicked else None))) and of in report.daily[
        "day"
    ].tolist():
        drawer(day(of), partial(_day, report, chosen, person, of), parameter=_DAY)


def _day(report: FallbackReport, chosen: Chosen, person: Database, of: date) -> None:
    day_story(person, report, chosen, of)
    st.markdown("**Fallbacks of this day**")
    listed(person, chosen, of, _fallbacks(chosen, None), _fallbacks_title(of, None))


def reasons(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The fallbacks of each day by reason; a click shows those behind a bar."""
    drawn = charts.figure(y_title="Fallbacks per day", over=chosen.period, barmode="stack")
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
    charts.whole(drawn)
    clicked = charts.show(
        drawn,
        frame,
        key="fallback_reasons",
        title="Why was the fallback asked?",
        alt="Fallbacks per day by reason",
        note="Click a bar to see the generations behind it.",
        drill=True,
    )
    if clicked and (of := clicked_day(clicked[0])):
        _behind(person, chosen, of, clicked[1])


def cost(report: FallbackReport) -> None:
    """The cost of each reason, as a table that adds up."""
    frame = report.reasons
    rows = [
        {
            "Reason": REASON_LABELS[row["reason"]],
            "Fallbacks": count(row["fallbacks"]),
            "Share": percent(row["share_pct"]),
            "Cost": money(row["cost_usd"]) if row["fallbacks"] else NONE,
            "Wasted": money(row["wasted_usd"]) if row["fallbacks"] else NONE,
        }
        for row in frame.to_dict("records")
    ]
    tables.table(
        rows,
        frame,
        key="fallback_cost",
        title="What did the fallbacks cost?",
        note="All attempts of the generations that the fallback answered, and the wasted part of their cost.",
    )


def findings(report: FallbackReport) -> str | None:
    """The rules that rejected most replies; returns the code of the clicked one."""
    frame = report.findings.head(10)
    if frame.empty:
        return None
    drawn = charts.figure(y_title="", height=115 + 26 * len(frame))
    drawn.add(
        "bar",
        x=numbers(frame["attempts"].tolist()),
        y=[spoken(code) for code in frame["code"]],
        customdata=[[code] for code in frame["code"]],
        orientation="h",
        marker_color=REASON_COLOURS["validation_failed"],
        meta=OWN_ADDRESS,
        hovertemplate="%{y}: %{x:,} replies<extra></extra>",
    )
    drawn.axis("y", autorange="reversed", type="category")
    charts.whole(drawn, "x")
    drawn.axis("x", title="Rejected replies")
    clicked = charts.show(
        drawn,
        frame,
        key="fallback_findings",
        title="What was wrong with the rejected replies?",
        alt="Rejected replies by rule, most frequent first",
        note="A reply can break several rules. Click a bar to see such replies below.",
        drill=True,
    )
    return str(clicked[0]) if clicked else None


def prompts(report: FallbackReport) -> None:
    """How each prompt version did; nothing while there is only one."""
    frame = report.prompts
    if len(frame) < 2:
        return
    rows = [
        {
            "Prompt version": str(row["prompt_version"]) if row["prompt_version"] is not None else NONE,
            "First seen": day(row["first_day"]),
            "Replies": count(row["replies"]),
            "Passed validation": percent(row["valid_pct"]),
        }
        for row in frame.to_dict("records")
    ]
    tables.table(rows, frame, key="fallback_prompts", title="Did a prompt release change anything?")


def _behind(person: Database, chosen: Chosen, of: date, reason: str | None) -> None:
    drill_down(person, chosen, of, _fallbacks(chosen, reason), _fallbacks_title(of, reason))


def _fallbacks(chosen: Chosen, reason: str | None) -> Which:
    return Which(status="completed", primary_model=chosen.model, fallback_reason=reason or "any", overridden=False)


def _fallbacks_title(of: date, reason: str | None) -> str:
    return f"{REASON_LABELS[reason] if reason else 'Fallbacks'} on {day(of)}"
