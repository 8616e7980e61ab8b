"""The top of every page: its title, the question it answers, what is not real, and the way back to Claude."""

from __future__ import annotations

import streamlit as st

from orchestrator import Application
from pages.parts import console, settings, states
from store.sample import has_sample_data

_PAGE = "frame_page"
CAME = "frame_came"
"""Session key: whether the visitor comes from another page; put to False by whoever has made use of it."""
ADDRESS = "frame_address"
"""Session key: the filters as they stand in the address, by name; None for one that stands at its default."""


def arriving(title: str, *, filtered: bool) -> None:
    """Take note of a change of page, and take the filters along.

    Before the page itself begins: then the browser takes page and filters for one step of its history.

    Args:
        filtered: whether the page has the filter bar, and so the filters in its address.
    """
    if st.session_state.get(_PAGE) == title:
        return
    st.session_state[_PAGE], st.session_state[CAME] = title, True
    kept = st.session_state.get(ADDRESS, {}) if filtered else {}
    carried = {name: text for name, text in kept.items() if text is not None}
    says = st.query_params.to_dict()
    if not carried.keys() <= says.keys():
        st.query_params.from_dict(carried | says)


def opening(title: str, question: str) -> Application:
    """Draw the top of a page and return the application; without one the page ends here and says why."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(title, anchor=False, width="content")
        notices = st.container(
            horizontal=True, horizontal_alignment="right", vertical_alignment="center", width="content"
        )
    st.markdown(question)
    application = console.at_hand()
    present = states.read(lambda: has_sample_data(application.person()))
    with notices:
        _notices(application, present=present)
    settings.outcome()
    states.tell()
    return application


def _notices(application: Application, *, present: bool) -> None:
    if application.simulated:
        st.badge(
            "Simulated models",
            icon=":material/science:",
            color="gray",
            help="Nothing leaves this machine; answers, times and tokens are made up, prices are real.",
        )
    database = application.person()
    if present:
        with st.popover("Sample data", icon=":material/auto_awesome:", type="tertiary"):
            st.markdown("These pages show an imaginary company's quarter, marked as simulated, beside your own runs.")
            st.button("Remove the sample data", on_click=states.clear_sample_data, args=(database,))
    settings.roll_back_button(application)
