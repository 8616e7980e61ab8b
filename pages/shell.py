"""The main script: page set-up and navigation. It runs before every page, also on a cold deep link."""

from __future__ import annotations

import streamlit as st

st.set_page_config(page_title="Orchestrator Console", page_icon="🧭", layout="wide")

page = st.navigation(
    [st.Page("playground.py", title="Playground", icon=":material/science:", default=True)], position="top"
)
page.run()
