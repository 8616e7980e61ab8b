"""Who did what, and when? Every event of the audit log, filtered, each a click and an address away."""

from __future__ import annotations

import streamlit as st

from pages.parts import states
from pages.parts.audit_log.filters import own_filters
from pages.parts.audit_log.list import events
from pages.parts.filters import period_with, reset_filters
from pages.parts.frame import menu
from pages.parts.frame.header import header
from queries.records.events import event_kinds, note_read

top = header()
person = top.application.person()
opened_now = st.session_state[menu.CAME]
kinds = states.read(lambda: event_kinds(person))
days, filters = period_with(top.controls, lambda: own_filters(kinds))
if opened_now:
    states.read(lambda: note_read(person, filters, exported=False))
if not events(person, days, filters):
    st.caption("No event matches these filters in this period.")
    if reset := reset_filters():
        st.button("Reset filters", icon=":material/filter_alt_off:", on_click=reset)
