"""Giving a role to somebody by their e-mail address."""

from __future__ import annotations

import streamlit as st

from pages.parts.people.roles import change_role, role_choice
from store import Database
from store.people import ROLES

_EMAIL, _ROLE = "people_email", "people_role"


def add_person(person: Database) -> None:
    """The form for somebody who is in the project but has no role."""
    with st.expander("Give somebody a role by e-mail address", icon=":material/person_add:"):
        st.caption("They must be a user of your Supabase project: invite them there under Authentication, Users.")
        with st.form("add_person", border=False, clear_on_submit=True):
            st.text_input("E-mail address", key=_EMAIL, type="email", max_chars=320)
            st.radio("Role", ROLES, index=len(ROLES) - 1, format_func=role_choice, key=_ROLE)
            st.form_submit_button("Give the role", type="primary", on_click=_add, args=(person,))


def _add(person: Database) -> None:
    email = str(st.session_state[_EMAIL]).strip()
    change_role(person, email, email, st.session_state[_ROLE])
