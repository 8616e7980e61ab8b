"""A line for each person: their role, since when, when they were last seen, and what can be changed."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from pages.parts.events_link import events_by
from pages.parts.filters import zone
from pages.parts.frame.account import ROLE_LABELS
from pages.parts.people.roles import change_role, role_choice
from pages.parts.words import ago, escaped, inline, moment
from store import Database, clock
from store.people import ROLES, Member

_MACHINE = "orchestrator"


def member(person: Database, one: Member, me: str) -> None:
    """Somebody with a role.

    Args:
        me: the visitor's own id.
    """
    name = one.email or one.user_id
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute",
        key=f"member_{one.user_id}",
    ):  # fmt: skip
        said = " · ".join([*_about(one), *filter(None, [events_by(one.user_id)])])
        st.markdown(f"**{escaped(name)}**{' (you)' if one.user_id == me else ''}  \n:small[{said}]", width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if one.blocked:
                st.badge("Blocked in Supabase", icon=":material/block:", color="red")
            if one.second_factor:
                st.badge("Second factor", icon=":material/lock:", color="green")
            st.badge(ROLE_LABELS.get(one.role or "", "No role"), color="blue")
            if one.role != _MACHINE:
                _change(person, one, name)


def request(person: Database, one: Member) -> None:
    """Somebody who asks for a role; one press gives it."""
    name = one.email or one.user_id
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        asked = f"asked {ago(one.requested_at, clock.now())}" if one.requested_at else ""
        st.markdown(f"**{escaped(name)}**  \n:small[{asked}]", width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            for role in reversed(ROLES):
                st.button(
                    f"Make {inline(ROLE_LABELS[role])}", key=f"approve_{one.user_id}_{role}",
                    on_click=change_role, args=(person, one.user_id, name, role),
                )  # fmt: skip


def _about(one: Member) -> Iterator[str]:
    if one.granted_at:
        by = f" by {escaped(one.granted_by)}" if one.granted_by else ""
        yield f"since {moment(one.granted_at, zone())}{by}"
    yield f"last seen {ago(one.last_seen_at, clock.now())}" if one.last_seen_at else "never seen yet"


def _change(person: Database, one: Member, name: str) -> None:
    with st.popover("Change", key=f"change_{one.user_id}"):
        key = f"role_{one.user_id}"
        role = st.radio(
            f"Role of {escaped(name)}", ROLES, index=ROLES.index(one.role or ""), format_func=role_choice, key=key
        )
        with st.container(horizontal=True):
            st.button(
                "Save", type="primary", key=f"save_{one.user_id}", disabled=role == one.role,
                on_click=change_role, args=(person, one.user_id, name, role),
            )  # fmt: skip
            st.button(
                "Withdraw the role", icon=":material/person_remove:", key=f"withdraw_{one.user_id}",
                on_click=change_role, args=(person, one.user_id, name, None),
            )  # fmt: skip
