"""How far can the cheap model be rolled out?"""

from __future__ import annotations

import streamlit as st

from orchestrator.models.catalogue import BASELINE
from orchestrator.models.pricing import expensive_models
from pages.parts import states, tally_cards
from pages.parts.cards import cards
from pages.parts.filters import bar, reset_filters
from pages.parts.frame import actions
from pages.parts.frame.header import header
from pages.parts.generation.rejected import rejected
from pages.parts.palette import label
from pages.parts.rollout.words import STAGES, advice, evidence
from pages.parts.words import many, overridden
from queries.rollout import PHASES, Rollout, read_rollout
from queries.tally import tally
from store import clock


def phases(report: Rollout) -> None:
    """The three phases; the one that the figures support is marked."""
    with st.grid(3, min_column_width=220):
        for phase in PHASES:
            stage, reached = STAGES[phase], PHASES.index(phase) <= PHASES.index(report.phase)
            with st.container(border=True, height="stretch", gap="small"):
                if phase == report.phase:
                    st.badge("The figures support this phase", icon=":material/where_to_vote:", color="blue")
                else:
                    st.badge("Passed" if reached else "Not yet", icon=":material/more_horiz:", color="gray")
                st.markdown(f"**{stage.name}**")
                st.markdown(stage.about)
                st.caption(stage.rule)


def rollback_plan() -> None:
    """The five steps of a rollback, each a link or a button."""
    with st.container(border=True):
        st.subheader("If quality drops: how to roll back", anchor=False)
        st.page_link("fallbacks.py", label="1. Read the cheap model's rejected replies", icon=":material/rule:")
        st.page_link("quality.py", label="2. See which rate dropped, and when", icon=":material/verified:")
        st.page_link(
            "settings.py", label="3. Find the change before the drop, and undo it",
            icon=":material/history:",
        )  # fmt: skip
        st.button(
            f"4. Make {BASELINE.label} the primary model", icon=":material/undo:", type="tertiary",
            on_click=actions.open_menu,
        )  # fmt: skip
        st.page_link("overview.py", label="5. Watch the success rate recover", icon=":material/monitoring:")


top = header()
person = top.application.person()
chosen = bar(top.controls, with_model=False)
expensive = expensive_models(clock.now())
report = states.read(lambda: read_rollout(person, chosen.period, chosen.filters, expensive=expensive))
if not report.total.rows:
    states.empty(
        person,
        sentence="No generations asked a cheaper model first in this period with these filters.",
        reset=reset_filters(),
    )
    st.stop()
for kind in report.advice:
    st.info(advice(kind, report), icon=":material/lightbulb:")
phases(report)
st.caption(f"{evidence(report)} The three system keys switch all traffic at once; there are no models per agent.")
nothing = tally(())
cards(
    [
        tally_cards.fallback(report.total, nothing).named(
            "Fallback rate of the cheap model", "Of the completed generations that asked a cheaper model first."
        ),
        tally_cards.success(report.total, nothing).named(
            "Success rate of the cheap model", "Of the generations that asked a cheaper model first."
        ),
    ],
    chosen.period,
    per_row=2,
)
if report.expensive_first:
    asked = " or ".join(label(name) for name in sorted(expensive))
    st.caption(f":material/info: {many(report.expensive_first, 'workflow')} with {asked} asked first: left out.")
if report.left_out:
    st.caption(f":material/info: {overridden(report.left_out)}: left out.")
rollback_plan()
rejected(person, chosen, None, None)
