"""What can be done from any page: roll back to Claude, load or remove the sample data."""

from __future__ import annotations

import streamlit as st

from orchestrator import Application
from pages.parts import console, states, system_keys

OPENED = "actions_opened"
"""Session key: whether the menu is open."""


def menu(application: Application, *, sample: bool) -> None:
    """The menu, for those who may do any of it; rolling back takes a second press, after what that means."""
    if not (console.may("change_settings") or console.may("change_sample_data")):
        return
    with st.popover("Actions", icon=":material/bolt:", key=OPENED, on_change="rerun"):
        if console.may("change_settings"):
            st.markdown("**Roll back**")
            system_keys.roll_back(application, OPENED)
            st.divider()
        st.markdown("**Sample data**")
        if sample:
            st.button(
                "Remove sample data", icon=":material/delete:",
                on_click=states.clear_sample_data, args=(application.person(),),
            )  # fmt: skip
        else:
            states.load_button(application.person())


def open_menu() -> None:
    """Open the menu in the next run."""
    st.session_state[OPENED] = True
