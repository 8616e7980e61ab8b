"""How often does the primary model fail, and why?"""

from __future__ import annotations

import streamlit as st

from pages.parts import states, tally_cards
from pages.parts.cards import Card, cards
from pages.parts.changes.story import change_drawer
from pages.parts.fallbacks import bands as fallback_bands
from pages.parts.fallbacks import charts as fallback_charts
from pages.parts.fallbacks.agents import agents
from pages.parts.filters import Chosen, bar, reset_filters
from pages.parts.frame.header import header
from pages.parts.generation.rejected import rejected
from pages.parts.left_out import left_out
from pages.parts.palette import REASON_LABELS, label
from pages.parts.words import NONE, escaped, many, money, overridden, share
from queries.fallbacks import FallbackReport, read_fallbacks
from queries.tally import Tally


def _wasted(total: Tally) -> str:
    wasted = total.fallen_back.wasted_usd
    return "The wasted part is unknown" if wasted is None else f"{money(wasted)} of it wasted"


def figures(report: FallbackReport, chosen: Chosen) -> list[Card]:
    """The rate, number, main reason and cost of the fallbacks."""
    days = [day.total for day in chosen.finished(report.days)]
    total, before = report.total, report.before
    reason, share_of_it = total.as_configured.main_reason or (None, None)
    cost = (
        tally_cards.cost(total.fallen_back, before.fallen_back)
        .named("Cost of fallbacks", "All attempts of the generations that the fallback answered.")
        .over(day.fallen_back.cost_usd for day in days)
    )
    return [
        tally_cards.fallback(total, before).over(day.as_configured.fallback.pct for day in days),
        tally_cards.generations(total.fallen_back, before.fallen_back)
        .named("Fallbacks", "Generations that the fallback answered.")
        .over(day.fallen_back.completed for day in days),
        Card(
            "Main reason",
            REASON_LABELS[reason] if reason else NONE,
            "The most frequent fallback reason of generations with the default models.",
            note=share(share_of_it) if share_of_it else None,
        ),
        cost.noted(_wasted(total)) if total.fallen_back.completed else cost,
    ]


top = header()
person = top.application.person()
chosen = bar(top.controls, "Primary model")
report = states.read(lambda: read_fallbacks(person, chosen.period, chosen.filters, chosen.model))
if not report.total.completed:
    states.empty(person, sentence="No generations completed in this period with these filters.", reset=reset_filters())
    st.stop()
cards(figures(report, chosen), chosen.period)
fallback_charts.rate(report, chosen, person)
left_out(report.total, report.figures.undated, chosen, person)
if alone := report.total.fallen_back.overridden:
    st.caption(
        f":material/info: Fallbacks, their cost and the rejected replies include {overridden(alone)}; rates, reasons "
        "and lists do not."
    )
if unsaid := report.first_unknown:
    st.caption(
        f":material/info: {many(unsaid, 'fallback')} from other systems with an unknown primary model: not included "
        "in any model's own rate."
    )
if chosen.model:
    st.caption(
        f":material/info: Rejected replies and prompt versions cover all replies of {escaped(label(chosen.model))}, "
        "whether it was asked first or second."
    )
why, where, replies = st.tabs(["Why", "Where", "Rejected replies"])
with why:
    if report.total.fallen_back.completed:
        fallback_charts.reasons(report, chosen, person)
        fallback_charts.cost(report)
    fallback_charts.prompts(report)
with where:
    left, right = st.columns(2)
    with left:
        fallback_bands.by_primary(report, chosen, person)
        fallback_bands.by_steps(report, chosen, person)
    with right:
        fallback_bands.by_services(report, chosen, person)
    agents(person, chosen)
with replies:
    code = fallback_charts.findings(report)
    rejected(person, chosen, chosen.model, code)
change_drawer(person, chosen, report.figures)
