"""Three questions to try after the sample data is loaded, until they are dismissed."""

from __future__ import annotations

import streamlit as st

from pages.parts.overview.happened import open_day
from pages.parts.states import SAMPLE_LOADED
from pages.parts.words import day
from queries.deviations import deviations
from queries.overview import Overview


def questions(report: Overview) -> None:
    """The questions, each a press away from its answer; nothing unless this visitor has just loaded the sample."""
    if not st.session_state.get(SAMPLE_LOADED):
        return
    with st.container(border=True, key="questions"):
        st.markdown("**Three questions to try**")
        with st.container(horizontal=True, vertical_alignment="center"):
            rose = next((one for one in deviations(report.days) if one.measure == "fallback"), None)
            if rose:
                words = f"Why were there so many fallbacks on {day(rose.at)}?"
                st.button(words, icon=":material/help:", type="tertiary", on_click=open_day, args=(rose.at,))
            st.page_link("cost.py", label="What would a month cost?", icon=":material/savings:")
            st.page_link("rollout.py", label="How far can the cheap model go?", icon=":material/rocket_launch:")
            st.button("Dismiss", icon=":material/close:", on_click=_dismiss)


def _dismiss() -> None:
    st.session_state.pop(SAMPLE_LOADED, None)
