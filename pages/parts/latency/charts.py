"""The charts of the latency page."""

from __future__ import annotations

import streamlit as st

from pages.parts import charts, generators, tables
from pages.parts.changes.marks import mark_changes, taken
from pages.parts.filters import Chosen
from pages.parts.generation.drill_down import answered_on, drill_down
from pages.parts.palette import OUTCOME_LABELS, colour, label, mark
from pages.parts.words import count, duration, inline, seconds, span
from queries.histogram import position
from queries.latency import LatencyReport
from queries.records.generations import UNKNOWN, Which
from store import Database

_SHOWN = {"p95_ms": "P95", "p50_ms": "Median (P50)", "p99_ms": "P99", "avg_ms": "Average"}
_TICKS_S = (0.01, 0.1, 0.5, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 3600)


def over_time(report: LatencyReport, chosen: Chosen, person: Database) -> None:
    """One line per model for the percentile chosen above it; a click shows the generations of a day."""
    which = st.radio("Show", list(_SHOWN), format_func=_SHOWN.__getitem__, horizontal=True, key="latency_shown")
    drawn = charts.figure(y_title="Seconds", height=360, over=chosen.period)
    frame = report.daily[["day", "generator", "timed", which]]
    generators.lines(
        drawn, frame, which, model="generator", whole="timed", scale=1000, unfinished=chosen.unfinished,
        words="%{y:.1f} s across %{customdata[2]:,} workflows",
    )  # fmt: skip
    mark_changes(drawn, report.figures)
    clicked = taken(
        charts.show(
            drawn,
            frame,
            key="latency_daily",
            title=f"How long did workflows take? {_SHOWN[which]} by the model that answered",
            alt=f"{_SHOWN[which]} per day by the model that answered, in seconds",
            note="End to end: a fallback's time includes the failed first attempt. Click a point for its generations.",
            drill=True,
        )
    )
    answered_on(person, chosen, clicked)


def distribution(report: LatencyReport, chosen: Chosen, person: Database) -> None:
    """The number of workflows by time; a click shows those behind a bar."""
    frame = report.distribution
    drawn = charts.figure(y_title="Workflows", barmode="stack", bargap=0.05)
    for name, own in generators.by_model(frame, "generator"):
        spans = [span(row["from_ms"], row["to_ms"]) for row in own.to_dict("records")]
        drawn.add(
            "bar",
            x=[bar + 0.5 for bar in own["bar"]],
            y=own["timed"].tolist(),
            name=mark(name),
            marker_color=colour(name),
            customdata=[
                [name, said, row["from_ms"], row["to_ms"]]
                for said, row in zip(spans, own.to_dict("records"), strict=True)
            ],
            hovertemplate=f"{mark(name)}<br>%{{customdata[1]}}: %{{y:,}} workflows<extra></extra>",
        )
    charts.whole(drawn)
    drawn.axis(
        "x", title="Seconds", tickvals=[position(1000 * second) for second in _TICKS_S],
        ticktext=[f"{second:g}" for second in _TICKS_S],
        range=[min(frame["bar"], default=0) - 0.5, max(frame["bar"], default=0) + 1.5],
    )  # fmt: skip
    clicked = charts.show(
        drawn,
        frame,
        key="latency_distribution",
        title="How are the times distributed?",
        alt="Number of workflows by time in seconds and by the model that answered",
        note="Each bar covers a range 15 % wider than the one before. Click a bar to see its workflows.",
        drill=True,
    )
    if clicked:
        name, said, from_ms, to_ms = clicked
        which = Which("completed", generator=name or UNKNOWN, latency_ms_from=from_ms, latency_ms_to=to_ms)
        drill_down(person, chosen, None, which, f"{label(name)}, {said}")


def by_generator(report: LatencyReport) -> None:
    """All percentiles of each model."""
    rows = [
        {
            "Answered by": label(row["generator"]),
            "Workflows": count(row["timed"]),
            "Average": seconds(row["avg_ms"]),
            "Median (P50)": seconds(row["p50_ms"]),
            "P95": seconds(row["p95_ms"]),
            "P99": seconds(row["p99_ms"]),
        }
        for row in report.by_generator.to_dict("records")
    ]
    tables.table(rows, report.by_generator, key="latency_models", title="How fast is each model?")


def lost(report: LatencyReport, chosen: Chosen, person: Database) -> None:
    """Time spent on attempts that gave no workflow; a click shows the fallbacks that followed."""
    frame = report.lost[report.lost["timed"] > 0]
    if frame.empty:
        return
    drawn = charts.figure(y_title="", height=115 + 30 * len(frame))
    drawn.add(
        "bar",
        x=[lost_ms / 60_000 for lost_ms in frame["lost_ms"]],
        y=[f"{mark(row['model'])}: {inline(OUTCOME_LABELS[row['outcome']])}" for row in frame.to_dict("records")],
        orientation="h",
        marker_color=[colour(name) for name in frame["model"]],
        customdata=[
            [row["model"], row["outcome"], row["timed"], duration(row["lost_ms"])] for row in frame.to_dict("records")
        ],
        hovertemplate="%{y}<br>%{customdata[3]} in %{customdata[2]:,} attempts<extra></extra>",
    )
    drawn.axis("y", autorange="reversed", type="category")
    drawn.axis("x", title="Minutes")
    total = duration(sum(frame["lost_ms"]))
    whose = f"Attempts of {label(chosen.model)}, whichever model answered then," if chosen.model else "Attempts"
    clicked = charts.show(
        drawn,
        frame,
        key="latency_lost",
        title=f"Which attempts took {total} and gave no workflow?",
        alt="Time in attempts that gave no workflow, by model and outcome",
        note=f"{whose} in completed and failed generations; other systems do not report them. A rejected reply is read "
        "to its end while the fallback already answers, so not all of this is waiting time. Click a bar to see its "
        "fallbacks.",
        drill=True,
    )
    if clicked:
        which = Which(status="completed", primary_model=clicked[0] or UNKNOWN, fallback_reason=clicked[1])
        drill_down(person, chosen, None, which, f"{label(clicked[0])}: {inline(OUTCOME_LABELS[clicked[1]])}")
