"""How often does the first model fail, and why?"""

from __future__ import annotations

import streamlit as st

from pages.parts import fallback_bands, fallback_charts, frame, states, tally_cards
from pages.parts.agents import agents
from pages.parts.cards import Card, cards
from pages.parts.filters import bar
from pages.parts.left_out import left_out
from pages.parts.palette import REASON_LABELS
from pages.parts.rejected import rejected
from pages.parts.words import count, money, percent
from queries.fallbacks import FallbackReport, read_fallbacks
from queries.tally import tally


def figures(report: FallbackReport) -> list[Card]:
    """Rate, number, main reason, and what it cost."""
    total, before = report.total, report.before
    fallen = tally(row for row in total.rows if row.fallback_reason)
    fallen_before = tally(row for row in before.rows if row.fallback_reason)
    reasons = total.fallback_reasons
    main = max(reasons, key=lambda reason: reasons[reason]) if any(reasons.values()) else None
    rate = tally_cards.fallback(
        tally(row for row in total.rows if not row.overridden), tally(row for row in before.rows if not row.overridden)
    )
    return [
        rate,
        tally_cards.generations(fallen, fallen_before).named("Fallbacks", "Generations that the fallback answered."),
        Card(
            "Main reason",
            REASON_LABELS[main] if main else "-",
            "The reason of most fallbacks.",
            note=f"{percent(100 * reasons[main] / total.fallback.part)} of {count(total.fallback.part)}"
            if main
            else None,
        ),
        tally_cards.cost(fallen, fallen_before)
        .named("Cost of fallbacks", "All attempts of the generations that the fallback answered.")
        .noted(f"{money(fallen.wasted_usd)} of it wasted"),
    ]


application = frame.opening("Fallbacks", "How often does the first model fail, and why?")
person = application.person()
chosen = bar("Asked first")
report = states.read(lambda: read_fallbacks(person, chosen.period, chosen.filters, chosen.model))
if not report.total.completed:
    states.empty(person, sentence="No generation completed in this period, with these filters.")
    st.stop()
cards(figures(report), chosen.period)
left_out(report.total, report.figures.undated, chosen, person)
fallback_charts.rate(report, chosen, person)
left, right = st.columns(2)
with left:
    fallback_charts.reasons(report, chosen, person)
    fallback_charts.cost(report)
    fallback_charts.prompts(report)
    fallback_bands.by_steps(report, chosen, person)
with right:
    code = fallback_charts.findings(report)
    fallback_bands.by_primary(report, chosen, person)
    fallback_bands.by_services(report, chosen, person)
agents(person, chosen)
rejected(person, chosen, chosen.model, code)
