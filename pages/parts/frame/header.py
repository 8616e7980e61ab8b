"""The top of every page: its title, the question it answers, notices, and the button that rolls back to Claude."""

from __future__ import annotations

import streamlit as st

from orchestrator import Application
from pages.parts import console, states, system_keys
from pages.parts.frame import lost_press, menu
from pages.parts.words import many
from store.sample import has_sample_data


def header() -> Application:
    """Draw the top of a page and return the application; without one, the page ends here and says why."""
    entry = menu.opened()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(entry.title, anchor=False, width="content")
        action = st.container(width="content")
    st.caption(entry.question)
    application = console.at_hand()
    present = states.read(lambda: has_sample_data(application.person()))
    with action:
        system_keys.roll_back_button(application)
    if application.simulated or present:
        _strip(application, present=present)
    lost_press.tell_if_lost()
    _outbox(application)
    system_keys.show_result()
    states.show_result()
    return application


_BOTH = "**Sample data and simulated models.** Nothing here is real except the prices."
_MODELS = "**Simulated models.** Nothing leaves this machine: answers, times and tokens are made up, prices are real."
_SAMPLE = "**Sample data is loaded**, marked as simulated. Choose the source “Simulated” to see it."
_STRIPS = {(True, True): _BOTH, (True, False): _MODELS, (False, True): _SAMPLE}
"""What the strip says, by whether models are simulated and whether there is sample data."""


def _strip(application: Application, *, present: bool) -> None:
    """The strip that says that figures are not real, with the way to remove the sample."""
    with st.container(key="strip", horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/science: {_STRIPS[application.simulated, present]}", width="stretch")
        if present:
            st.button(
                "Remove sample data", type="tertiary", icon=":material/delete:",
                on_click=states.clear_sample_data, args=(application.person(),),
            )  # fmt: skip


def _outbox(application: Application) -> None:
    """How much waits for the database, and how much it will never accept; usually nothing."""
    state = application.orchestrator.outbox()
    if state.waiting:
        st.caption(
            f":material/outbox: {many(state.waiting, 'result')} waiting for the database and not in the figures yet, "
            "to be recorded as soon as it is back."
        )
    if state.set_aside:
        st.caption(
            f":material/unknown_document: {many(state.set_aside, 'outbox file')} could not be recorded: damaged, or "
            "from a generation unknown to this database. Kept in the data folder's outbox with the ending .refused."
        )
