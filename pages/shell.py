"""The main script: page set-up and navigation. It runs before every page, also on a cold deep link."""

from __future__ import annotations

import streamlit as st

from pages.parts.settings import roll_back_button

st.set_page_config(page_title="Orchestrator Console", page_icon="🧭", layout="wide")

page = st.navigation(
    [
        st.Page("playground.py", title="Playground", icon=":material/science:", default=True),
        st.Page("configuration.py", title="Configuration", icon=":material/tune:", url_path="configuration"),
    ],
    position="top",
)
roll_back_button()
page.run()
