"""Is all well? A verdict on the last days, four figures, what changed, and the latest generations."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts import charts, generators, states, tally_cards
from pages.parts.cards import Card, cards
from pages.parts.changes.marks import mark_changes, taken
from pages.parts.changes.story import change_drawer
from pages.parts.filters import bar, reset_filters, zone
from pages.parts.frame.header import header
from pages.parts.generation.drill_down import answered_on
from pages.parts.generation.latest import latest
from pages.parts.left_out import left_out
from pages.parts.overview.happened import happened
from pages.parts.overview.judgement import judgement
from pages.parts.overview.keys_now import notes
from pages.parts.overview.questions import questions
from pages.parts.words import overridden
from queries.days import Day
from queries.overview import Overview, read_overview, read_recent
from queries.period import RECENT_DAYS
from queries.period import latest as latest_days
from store import clock


def figures(report: Overview, days: Sequence[Day]) -> list[Card]:
    """The four figures, each day by day and leading to the page that explains it."""
    return [
        tally_cards.saved(report.total, report.before)
        .over(day.total.savings_usd for day in days)
        .leading("cost.py", "See what it cost"),
        tally_cards.fallback(report.total, report.before)
        .over(day.total.as_configured.fallback.pct for day in days)
        .leading("fallbacks.py", "See why"),
        tally_cards.success(report.total, report.before)
        .over(day.total.as_configured.success.pct for day in days)
        .leading("quality.py", "See each rate"),
        tally_cards.p95(report.latency, report.latency_before)
        .over(day.latency.p95 for day in days)
        .leading("latency.py", "See the times"),
    ]


top = header()
person = top.application.person()
chosen = bar(top.controls, with_model=False)
last_days = latest_days(RECENT_DAYS, zone(), clock.now())
report = states.read(lambda: read_overview(person, chosen.period, chosen.filters))
recent = states.read(lambda: read_recent(person, last_days, chosen.filters))
if not report.total.rows:
    st.markdown(
        "This console shows what the workflow orchestrator generates and what that costs, and helps you decide how far "
        "the cheap model can be trusted."
    )
    states.empty(person, sentence="No generations ended in this period with these filters.", reset=reset_filters())
else:
    questions(report)
    with st.container(key="answer"):
        with st.container(key="verdict"):
            judgement(recent, notes(person))
        cards(figures(report, chosen.finished(report.days)), chosen.period)
    left = report.total.overridden
    alone = f" Rates leave out {overridden(left)}." if left else ""
    drawn = charts.figure(y_title="Workflows per day", height=260, over=chosen.period)
    generators.bars(drawn, report.daily, "generations", "%{y:,} workflows", chosen.unfinished)
    mark_changes(drawn, report.figures)
    clicked = taken(charts.show(
        drawn, report.daily, key="overview", title="Which model answered?",
        alt=f"Workflows per day by the model that answered, over {len(chosen.period.days)} days",
        note=f"Click a bar to see its workflows.{alone}", drill=True,
    ))  # fmt: skip
    answered_on(person, chosen, clicked)
    left_out(report.total, report.figures.undated, chosen, person)
    happened(report, chosen, person)
    change_drawer(person, chosen, report.figures)
latest(person)
