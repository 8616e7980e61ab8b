"""Which models answer, and what do they cost? The three system keys and the version history."""

from __future__ import annotations

import streamlit as st

from orchestrator import InvalidSettings, read_settings
from orchestrator.models.catalogue import CATALOGUE
from orchestrator.settings_history import read_history
from orchestrator.system_keys import DEFAULTS
from pages.parts import system_keys
from pages.parts.frame.header import header
from pages.parts.problems import problem
from pages.parts.settings.form import Stored, current_base, drafted_models, form, review
from pages.parts.settings.history import changed, history
from store import StoreError

top = header()
person = top.application.person()
try:
    stored = read_settings(person)
    saves = read_history(person, stored)
except InvalidSettings as error:
    problem(error)
    if top.caller.may("change_settings"):
        st.button("Restore the defaults", on_click=system_keys.restore, args=(person, DEFAULTS))
    st.stop()
except StoreError as error:
    problem(error)
    st.stop()

if not top.caller.may("change_settings"):
    st.caption(":material/lock: Only admins change the settings.")
base = current_base(stored)
changes = form(base, lambda key: changed(saves, key))
chosen = drafted_models()
for name in dict.fromkeys(chosen):
    if name in CATALOGUE and (note := system_keys.lifecycle(CATALOGUE[name])):
        st.info(note, icon=":material/event:")
    if warning := system_keys.without_key(top.application, name):
        st.warning(warning, icon=":material/key_off:")
review(person, base, changes, Stored(stored, saves[0].changed_by if saves else "Somebody"))
st.page_link("cost.py", label="See what a month would cost", icon=":material/savings:")
history(person, saves, stored.version)
