"""Can the cheap model be trusted?"""

from __future__ import annotations

import streamlit as st

from orchestrator.models.catalogue import CATALOGUE
from orchestrator.models.pricing import expensive_models
from pages.parts import states
from pages.parts.cards import Card, cards
from pages.parts.changes.story import change_drawer
from pages.parts.filters import bar, reset_filters
from pages.parts.frame.header import header
from pages.parts.quality import charts as quality_charts
from queries.quality import QualityReport, read_quality
from store import clock


def figures(report: QualityReport) -> list[Card]:
    """The orchestrator's two rates, and the two most important ones of the cheap model that is asked most."""
    asked = {one.model: one.rate.whole for one in report.models if one.name == "api_errors"}
    expensive = expensive_models(clock.now())
    cheap = max((model for model in asked if model not in expensive), key=lambda model: asked[model], default=None)
    shown = [*report.overall]
    shown += [one for one in report.models if one.model == cheap and one.name in ("validation", "api_errors")]
    return [quality_charts.card(measure) for measure in shown]


top = header()
person = top.application.person()
chosen = bar(top.controls, "Model")
report = states.read(lambda: read_quality(person, chosen.period, chosen.filters, chosen.model))
if not report.models and not any(measure.rate.whole for measure in report.overall):
    states.empty(person, sentence="No model was asked in this period with these filters.", reset=reset_filters())
    st.stop()
cards(figures(report), chosen.period)
quality_charts.over_time(report, chosen, person)
quality_charts.notes(report)
if chosen.model:
    st.caption("Success rate and regeneration rate cover the whole orchestrator, whichever model is chosen.")
if chosen.model and chosen.model not in {measure.model for measure in report.models}:
    st.caption(f"{CATALOGUE[chosen.model].label} was not asked in this period.")
quality_charts.models(report)
quality_charts.errors(report, chosen, person)
change_drawer(person, chosen, report.figures)
