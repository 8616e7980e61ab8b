"""The top of every page: its title, the question it answers, notices, and the button that rolls back to Claude."""

from __future__ import annotations

import streamlit as st

from orchestrator import Application
from pages.parts import console, lost_press, menu, settings, states
from pages.parts.words import many
from store.sample import has_sample_data


def header() -> Application:
    """Draw the top of a page and return the application; without one, the page ends here and says why."""
    entry = menu.opened()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(entry.title, anchor=False, width="content")
        notices = st.container(
            horizontal=True, horizontal_alignment="right", vertical_alignment="center", width="content"
        )
    st.markdown(entry.question)
    application = console.at_hand()
    present = states.read(lambda: has_sample_data(application.person()))
    with notices:
        _notices(application, present=present)
    lost_press.tell_if_lost()
    _outbox(application)
    settings.show_result()
    states.show_result()
    return application


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


def _notices(application: Application, *, present: bool) -> None:
    if application.simulated:
        st.badge(
            "Simulated models",
            icon=":material/science:",
            color="gray",
            help="Nothing leaves this machine. Answers, times and tokens are simulated; prices are real.",
        )
    database = application.person()
    if present:
        with st.popover("Sample data", icon=":material/auto_awesome:", type="tertiary"):
            st.markdown("These pages include a fictional company's quarter, marked as simulated, beside your own data.")
            st.button("Remove sample data", on_click=states.clear_sample_data, args=(database,))
    settings.roll_back_button(application)
