"""The main script: page setup and navigation. It runs before every page, also on a cold deep link."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts import console
from pages.parts.frame import account, menu

_FOLDER = Path(__file__).parent
_NAME = "Orchestrator Console"

st.set_page_config(page_title=_NAME, page_icon="🧭", layout="wide")
st.logo(str(_FOLDER / "mark.svg"), size="large")

console.look()
page = menu.navigate()
st.set_page_config(page_title=f"{page.title} · {_NAME}")
account.signed_in_as()
page.run()
console.warm_models()
