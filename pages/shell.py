"""The main script: page setup and navigation. It runs before every page, also on a cold deep link."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts import console, menu

st.set_page_config(page_title="Orchestrator Console", page_icon="🧭", layout="wide")
st.logo(str(Path(__file__).parent / "mark.svg"), size="large")

menu.navigate().run()
console.warm_models()
