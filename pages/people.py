"""Who may do what? Roles, requests for one, and erasing what somebody typed."""

from __future__ import annotations

import streamlit as st

from pages.parts import console, states
from pages.parts.frame.header import header
from pages.parts.people.add import add_person
from pages.parts.people.erasure import erasure
from pages.parts.people.member import member, request
from store.people import list_people

top = header()
person = top.application.person()
people = states.read(lambda: list_people(person))
waiting = [one for one in people if one.requested_at]
if waiting:
    st.subheader("Waiting for a role", anchor=False)
    for one in waiting:
        request(person, one)
st.subheader("Roles", anchor=False)
if console.is_local():
    st.caption(
        "Nobody signs in here: whoever is at this machine is the admin. Connect a Supabase project to let a team in."
    )
for one in people:
    if one.role:
        member(person, one, top.caller.user_id)
if not console.is_local():
    add_person(person)
erasure(person)
