"""A generation as recorded: figures, steps, graph, attempts and rejected replies."""

from __future__ import annotations

import streamlit as st

from orchestrator.models.catalogue import BASELINE
from pages.parts.events_link import events_about
from pages.parts.filters import zone
from pages.parts.generation.attempts import attempts
from pages.parts.generation.details import GenerationDetails
from pages.parts.generation.repeat import overrides
from pages.parts.generation.steps import steps_shown
from pages.parts.generation.take_away import take_away
from pages.parts.palette import GENERATION_STATUS, label
from pages.parts.words import NONE, escaped, inline, moment, money, percent, seconds, spoken

_PROMPT_CHARS = 400


def show_generation(generation: GenerationDetails) -> None:
    """Everything about one generation."""
    status, icon, colour = GENERATION_STATUS[generation.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status, icon=icon, color=colour)
        if generation.simulated:
            st.badge("Simulated", icon=":material/science:", color="gray")
        if generation.overridden:
            st.badge(escaped(overrides(generation.options)), icon=":material/tune:", color="violet")
        if fault := generation.options.forced_fault:
            st.badge(f"Forced failure: {inline(spoken(fault))}", icon=":material/bug_report:", color="violet")
        if generation.sample:
            st.badge("Sample", icon=":material/auto_awesome:", color="gray")
        trace = events_about(generation.agent_id, "its events") if generation.agent_id else ""
        st.caption(
            f"{moment(generation.started_at, zone())} ({zone()}), agent {escaped(generation.agent_id or NONE)}"
            f"{f' ({trace})' if trace else ''}",
            width="content",
        )
    if generation.erased_at:
        st.info(
            f"Its description and its workflow were erased on {moment(generation.erased_at, zone())}.",
            icon=":material/delete:",
        )
    else:
        _prompt(generation.prompt)
    _figures(generation)
    for finding in generation.findings:
        if finding.severity == "warning":
            st.warning(escaped(finding.message), icon=":material/warning:")
    if generation.pilot_steps:
        steps_shown(generation.pilot_steps)
    attempts(generation)
    if generation.pilot_steps:
        take_away(generation)


def _prompt(text: str) -> None:
    """The description; a long one can be expanded."""
    whole = len(text) <= _PROMPT_CHARS
    st.markdown(f"> {escaped(text if whole else f'{text[:_PROMPT_CHARS]} …')}")
    if not whole:
        with st.expander("The full description"):
            st.code(text, language=None, wrap_lines=True, height=320)


def _figures(generation: GenerationDetails) -> None:
    saved, baseline = generation.savings_usd, generation.baseline_cost_usd
    with st.grid(4, min_column_width=150):
        st.metric(
            "Answered by", escaped(label(generation.generator_used)) if generation.generator_used else NONE, border=True
        )
        st.metric("Cost of all attempts", money(generation.cost_usd), border=True)
        st.metric(
            "Saved",
            money(saved),
            border=True,
            help=f"Compared with {money(baseline)} on {BASELINE.label} for the same tokens"
            f"{f', {percent(generation.savings_pct)}' if generation.savings_pct is not None else ''}. "
            "Negative if the wasted attempt cost more than the answer saved.",
        )
        st.metric("Time", seconds(generation.duration_ms), border=True)
