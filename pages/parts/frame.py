"""The top of every page: its title, the question it answers, what is not real, and the way back to Claude."""

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
"""Session key: whether the visitor comes from another page; put to False by whoever has made use of it."""
ADDRESS = "frame_address"
"""Session key: the filters as they stand in the address, by name; None for one that stands at its default."""


def navigate(sections: Mapping[str, Sequence[StreamlitPage]], filtered: frozenset[str]) -> StreamlitPage:
    """Draw the menu and return the page that is asked for; whoever changes pages takes the filters along.

    Args:
        sections: the pages under their headings.
        filtered: titles of the pages that have the filter bar, and so the filters in their address.
    """
    left = st.session_state.get(_PAGE)
    # The filters stand in the address of the page that is left. Told before the change of page, the browser takes both
    # for one step of its history, and Back takes one press.
    if left in filtered and _asked(sections) in filtered - {left}:
        _take_filters_along()
    page = st.navigation(sections)
    if page.title != left:
        st.session_state[_PAGE], st.session_state[CAME] = page.title, True
        if page.title in filtered:
            _take_filters_along()
    return page


def _asked(sections: Mapping[str, Sequence[StreamlitPage]]) -> str | None:
    """The title of the page that is asked for, before Streamlit says so; None for the page at the root."""
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
    lost_press.tell_if_lost()
    _outbox(application)
    settings.outcome()
    states.tell()
    return application


def _outbox(application: Application) -> None:
    """What waits for the database, and what it will never take; nothing in the usual case."""
    state = application.orchestrator.outbox()
    if state.waiting:
        st.caption(
            f":material/outbox: {many(state.waiting, 'outcome')} waiting for the database and not in the figures yet. "
            "They are recorded as soon as it is back."
        )
    if state.set_aside:
        st.caption(
            f":material/unknown_document: {many(state.set_aside, 'outbox file')} could not be recorded: damaged, or "
            "from a run unknown to this database. Kept in the data folder's outbox, named .refused."
        )


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
