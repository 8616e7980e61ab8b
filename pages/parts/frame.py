"""The top of every page: its title, the question it answers, notices, and the button that rolls back to Claude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from orchestrator import Application
from pages.parts import console, lost_press, settings, states
from pages.parts.words import many
from store.sample import has_sample_data

_PAGE = "frame_page"
CAME = "frame_came"
"""Session key: whether the visitor comes from another page; set to False by the code that has used it."""
ADDRESS = "frame_address"
"""Session key: the filters as written in the address, by name; None for one at its default."""


def navigate(sections: Mapping[str, Sequence[StreamlitPage]], filtered: frozenset[str]) -> StreamlitPage:
    """Draw the menu and return the requested page; filters are kept when the page changes.

    Args:
        sections: the pages under their headings.
        filtered: titles of the pages that have the filter bar, and so have the filters in their address.
    """
    left = st.session_state.get(_PAGE)
    # If the filters are written before the page changes, the browser treats both as one step of its history, and going
    # back takes one press.
    if left in filtered and _asked(sections) in filtered - {left}:
        _take_filters_along()
    page = st.navigation(sections)
    if page.title != left:
        st.session_state[_PAGE], st.session_state[CAME] = page.title, True
        if page.title in filtered:
            _take_filters_along()
    return page


def _asked(sections: Mapping[str, Sequence[StreamlitPage]]) -> str | None:
    """The title of the requested page, before Streamlit returns it; None for the page at the root."""
    context = get_script_run_ctx()
    titles = {page._script_hash: page.title for pages in sections.values() for page in pages}
    return titles.get(context.page_script_hash) if context else None


def _take_filters_along() -> None:
    kept = st.session_state.get(ADDRESS, {})
    carried = {name: text for name, text in kept.items() if text is not None}
    says = st.query_params.to_dict()
    if not carried.keys() <= says.keys():
        st.query_params.from_dict(carried | says)


def opening(title: str, question: str) -> Application:
    """Draw the top of a page and return the application; without one, the page ends here and says why."""
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
    lost_press.tell_if_lost()
    _outbox(application)
    settings.outcome()
    states.tell()
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
