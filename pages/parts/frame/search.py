"""Search over pages, actions and recent generations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NoReturn

import streamlit as st

from orchestrator import Application
from orchestrator.models.catalogue import BASELINE
from pages.parts import console
from pages.parts.frame import actions, menu
from pages.parts.frame.shortcuts import SEARCH_KEY
from pages.parts.generation.links import GENERATION_PARAMETER
from pages.parts.words import ago
from queries.records.stored import latest_generations
from store import StoreError, clock

_RECENT = 30
_CHOSEN = "search_chosen"
_PROMPT_CHARS = 80
_FOCUS = "<script>document.querySelector('[role=dialog] input')?.focus()</script>"
"""Streamlit puts the focus on the dialog; whoever searches wants to type at once."""

Found = dict[str, Callable[[], object]]
"""What can be found, with what choosing it does."""


def search_button(application: Application, *, sample: bool) -> None:
    """The button that opens the search."""
    if st.button("Search", icon=":material/search:", shortcut=SEARCH_KEY, key="search"):
        st.session_state.pop(_CHOSEN, None)
        _search(application, sample=sample)


@st.dialog("Search", width="medium")
def _search(application: Application, *, sample: bool) -> None:
    found = dict(_found(application, sample=sample))
    chosen = st.selectbox(
        "Search pages, actions and recent generations", list(found), index=None, key=_CHOSEN,
        placeholder="Type a few letters", label_visibility="collapsed",
    )  # fmt: skip
    st.caption("Pages, actions and the latest generations. Enter opens the first match.")
    st.html(_FOCUS, unsafe_allow_javascript=True)
    if chosen is not None:
        found[chosen]()


def _found(application: Application, *, sample: bool) -> Iterator[tuple[str, Callable[[], object]]]:
    for entry in menu.PAGES:
        if entry.offered:
            yield f"{entry.title}: {entry.question}", partial(st.switch_page, entry.file)
    if console.may("change_settings"):
        yield f"Roll back to {BASELINE.label} …", _open_actions
    if console.may("change_sample_data"):
        yield f"{'Remove' if sample else 'Load'} sample data …", _open_actions
    try:
        recent = latest_generations(application.person(), limit=_RECENT).to_dict("records")
    except StoreError:  # pages and actions are found without it
        recent = []
    for row in recent:
        prompt = " ".join(row["prompt"].split())[:_PROMPT_CHARS]
        # The id's beginning tells generations of the same prompt apart.
        words = f"{prompt} · {ago(row['started_at'], clock.now())} · {str(row['generation_id'])[:8]}"
        yield words, partial(_open_generation, str(row["generation_id"]))


def _open_actions() -> NoReturn:
    actions.open_menu()
    st.rerun()


def _open_generation(generation_id: str) -> NoReturn:
    st.switch_page("playground.py", query_params={GENERATION_PARAMETER: generation_id})
