"""What do workflows cost, and how much is saved compared with Claude alone?"""

from __future__ import annotations

import streamlit as st

from pages.parts import states, tally_cards
from pages.parts.cards import cards
from pages.parts.changes.story import change_drawer
from pages.parts.cost import charts as cost_charts
from pages.parts.cost.estimate import estimate
from pages.parts.filters import bar, reset_filters
from pages.parts.frame.header import header
from pages.parts.left_out import left_out
from queries.cost import read_cost

top = header()
person = top.application.person()
chosen = bar(top.controls)
report = states.read(lambda: read_cost(person, chosen.period, chosen.filters, chosen.model))
total, before = report.total, report.before
if not total.rows:
    states.empty(person, sentence="No generations ended in this period with these filters.", reset=reset_filters())
    estimate(person, report.all_generators)
    st.stop()
days = [day.total for day in chosen.finished(report.days)]
cards(
    [
        tally_cards.cost(total, before).over(day.cost_usd for day in days),
        tally_cards.saved(total, before).over(day.savings_usd for day in days),
        tally_cards.wasted(total, before).over(day.wasted_usd for day in days),
        tally_cards.per_workflow(total, before).over(day.cost_per_workflow_usd for day in days),
    ],
    chosen.period,
)
cost_charts.daily(report, chosen, person)
left_out(total, report.figures.undated, chosen, person)
left, right = st.columns(2)
with left:
    cost_charts.bridge(report)
with right:
    cost_charts.cumulative(report, chosen, person)
estimate(person, report.all_generators)
change_drawer(person, chosen, report.figures)
