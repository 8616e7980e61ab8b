"""The top of every page: title, filters, search and actions in one row; then what it answers, and notices."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from orchestrator import Application
from pages.parts import console, results, states
from pages.parts.frame import actions, lost_press, menu, search, shortcuts
from pages.parts.words import many
from store.caller import Caller, check_permission
from store.sample import has_sample_data


@dataclass(frozen=True, slots=True)
class Header:
    """The top of a page.

    Attributes:
        controls: where the page puts its filters.
        caller: who is looking.
    """

    application: Application
    controls: DeltaGenerator
    caller: Caller


def header() -> Header:
    """Draw the top of a page; without an application, or for whom it is not meant, the page ends here and says why."""
    entry = menu.opened()
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="header", gap="small"
    ):
        st.title(entry.title, anchor=False, width="content")
        right = st.container(horizontal=True, vertical_alignment="center", width="content", key="controls", gap="small")
    with right:
        controls = st.container(horizontal=True, vertical_alignment="center", width="content", gap="small")
    with st.container(key="question"):
        st.caption(entry.question)
    application = console.at_hand()
    caller = states.read(console.caller)
    if not caller.may(entry.needs):
        shortcuts.listen()
        states.read(lambda: check_permission(application.person(), entry.needs))
    present = caller.may("read_figures") and states.read(lambda: has_sample_data(application.person()))
    with right:
        search.search_button(application, sample=present)
        actions.menu(application, sample=present)
    shortcuts.listen()
    if application.simulated or present:
        with st.container(key="strip"):
            st.markdown(f":material/science: {_SIMULATED if application.simulated else _SAMPLE}")
    lost_press.tell_if_lost()
    _outbox(application)
    results.show_result()
    states.show_result()
    return Header(application, controls, caller)


_SIMULATED = "**Simulated.** Only the prices are real."
_SAMPLE = "**Sample data** is loaded. It counts as simulated: choose that source under “Filters” to see it."


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
