"""What each role may do, in words, and changing somebody's role with a message about the result."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame.account import ROLE_LABELS
from pages.parts.problems import problem
from store import Database, StoreError
from store.people import set_role

RESULT = "people_result"
"""Session key: what came of the last change."""

ROLE_WORDS = {
    "admin": "changes settings, roles and tokens; reads everything",
    "pm": "reads figures and the audit log",
    "engineer": "generates workflows and reads figures",
    "orchestrator": "records generations; not a person",
}


def role_choice(role: str) -> str:
    """A role as an option in a list."""
    return f"{ROLE_LABELS[role]}: {ROLE_WORDS[role]}"


def change_role(person: Database, user: str, name: str, role: str | None) -> None:
    """Give or withdraw a role; the page then says what came of it."""
    try:
        set_role(person, user, role)
    except StoreError as error:
        st.session_state[RESULT] = error
        return
    given = f"{name} is now {ROLE_LABELS[role]}." if role else f"{name} has no role any more."
    st.session_state[RESULT] = f"{given} This applies at once."


def show_result() -> None:
    """Show what came of the last change, once."""
    told = st.session_state.pop(RESULT, None)
    if isinstance(told, Exception):
        problem(told)
    elif told:
        st.success(told, icon=":material/check:")
