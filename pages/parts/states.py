"""What a page shows instead of figures: an empty state with the next step, or a sentence about an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from orchestrator import OrchestratorError
from orchestrator.workflow.services import mentioned
from pages.parts import console
from pages.parts.frame import lost_press
from pages.parts.problems import problem
from pages.parts.words import count
from queries.errors import QueryError
from store import Database, StoreError
from store.sample import DAYS, add_sample_data, has_sample_data, remove_sample_data

T = TypeVar("T")

SAMPLE_LOADED = "sample_loaded"
"""Session key: whether this visitor has loaded the sample data and not yet dismissed the questions to try."""
EXAMPLE = "When a Zendesk ticket is urgent, alert the team on Slack, otherwise create a Jira issue."
"""A first description to try."""

_SAMPLE_PER_DAY = 150
_TOLD = "states_told"


def read(question: Callable[[], T]) -> T:
    """The answer of the database; without one, the page ends here with the reason."""
    try:
        return question()
    except (OrchestratorError, QueryError, StoreError) as error:
        problem(error)
        st.button("Try again", icon=":material/refresh:")
        st.stop()


def show_result() -> None:
    """Show the result of the last action, once."""
    if told := st.session_state.pop(_TOLD, None):
        st.toast(told, icon=":material/check:")


def empty(database: Database, *, sentence: str, reset: Callable[[], None] | None = None) -> None:
    """Why there is nothing to show and what to do next: generate a workflow, reset the filters, or use sample data.

    Args:
        reset: resets the filters; None if they are at their defaults.
    """
    present = read(lambda: has_sample_data(database))
    with st.container(border=True):
        st.markdown(f"**Nothing to show yet.** {sentence}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if reset:
                st.button("Reset filters", icon=":material/filter_alt_off:", on_click=reset)
            if not present and console.may("change_sample_data"):
                load_button(database, key="empty")
            if console.may("generate"):
                _first_workflow()
            if present and not console.application().simulated:
                st.page_link(
                    "cost.py", label="See the sample data (simulated)", icon=":material/auto_awesome:",
                    query_params={"source": "simulated"},
                )  # fmt: skip


def _first_workflow() -> None:
    if st.button("Try a first workflow", icon=":material/science:", key="first_workflow"):
        st.session_state["playground_prompt"] = EXAMPLE
        st.session_state["playground_services"] = mentioned(EXAMPLE)
        st.switch_page("playground.py")


def load_button(database: Database, *, key: str = "actions") -> None:
    """The button that loads the sample data.

    Args:
        key: tells two such buttons of one page apart.
    """
    pressed = st.button(
        "Load sample data (8 s)", icon=":material/auto_awesome:", type="primary", key=f"load_{key}",
        help="Three months of a fictional company. You can remove it at any time.",
    )  # fmt: skip
    if pressed and lost_press.heard():
        _load_sample_data(database)


def _load_sample_data(database: Database) -> None:
    """Add the sample data while showing the progress, then reload the page."""
    events, bar = 0, st.progress(0.0, "Writing three months of sample data ...")
    try:
        for day, events in enumerate(add_sample_data(database, per_day=_SAMPLE_PER_DAY), start=1):
            bar.progress(day / DAYS, f"Day {day} of {DAYS}: {count(events)} events")
    except StoreError as error:
        problem(error)
        return
    st.session_state[SAMPLE_LOADED] = True
    st.session_state[_TOLD] = f"Added {count(events)} sample events. You can remove them under “Actions”."
    st.rerun()


def clear_sample_data(database: Database) -> None:
    """Remove all sample data."""
    try:
        removed = remove_sample_data(database)
    except StoreError as error:
        problem(error)
        return
    st.session_state[_TOLD] = f"Removed the sample data: {count(removed)} events."
