"""How long do people wait for a workflow?"""

from __future__ import annotations

import streamlit as st

from pages.parts import states, tally_cards
from pages.parts.cards import Card, cards
from pages.parts.changes.story import change_drawer
from pages.parts.filters import Chosen, bar, reset_filters
from pages.parts.frame.header import header
from pages.parts.latency import charts as latency_charts
from pages.parts.words import many
from queries.latency import LatencyReport, read_latency


def figures(report: LatencyReport, chosen: Chosen) -> list[Card]:
    """The three percentiles and the average."""
    days = [day.latency for day in chosen.finished(report.days)]
    total, before = report.total, report.before
    of = f"Across {many(report.timed, 'workflow')}, end to end, failed attempts included."
    return [
        tally_cards.latency("Median (P50)", total.p50, before.p50, of).over(day.p50 for day in days),
        tally_cards.latency("P95", total.p95, before.p95, of).over(day.p95 for day in days),
        tally_cards.latency("P99", total.p99, before.p99, of).over(day.p99 for day in days),
        tally_cards.latency("Average", total.avg, before.avg, of).over(day.avg for day in days),
    ]


top = header()
person = top.application.person()
chosen = bar(top.controls)
report = states.read(lambda: read_latency(person, chosen.period, chosen.filters, chosen.model))
if not report.generations:
    states.empty(person, sentence="No generations completed in this period with these filters.", reset=reset_filters())
    st.stop()
cards(figures(report, chosen), chosen.period)
latency_charts.over_time(report, chosen, person)
if untimed := report.generations - report.timed:
    st.caption(f":material/info: {many(untimed, 'workflow')} with an unknown time: left out of this page.")
left, right = st.columns(2)
with left:
    latency_charts.distribution(report, chosen, person)
with right:
    latency_charts.by_generator(report)
    latency_charts.lost(report, chosen, person)
change_drawer(person, chosen, report.figures)
