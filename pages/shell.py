"""The main script: page setup and navigation. It runs before every page, also when a link opens a page directly."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts import console, frame

_FILTERED = frozenset({"Cost and savings", "Fallbacks", "Latency", "Quality", "Rollout"})
_MARK = str(Path(__file__).parent / "mark.svg")

st.set_page_config(page_title="Orchestrator Console", page_icon="🧭", layout="wide")
st.logo(_MARK, size="large")

page = frame.navigate(
    {
        "Today": [
            st.Page("overview.py", title="Overview", icon=":material/monitoring:", url_path="root", default=True),
            # For those who guess this address from the others; the page itself is at the root.
            st.Page("overview.py", title="Overview", url_path="overview", visibility="hidden"),
            st.Page("playground.py", title="Playground", icon=":material/science:", url_path="playground"),
        ],
        "Figures": [
            st.Page("cost.py", title="Cost and savings", icon=":material/savings:", url_path="cost"),
            st.Page("fallbacks.py", title="Fallbacks", icon=":material/alt_route:", url_path="fallbacks"),
            st.Page("latency.py", title="Latency", icon=":material/timer:", url_path="latency"),
            st.Page("quality.py", title="Quality", icon=":material/verified:", url_path="quality"),
        ],
        "Decide": [
            st.Page("rollout.py", title="Rollout", icon=":material/rocket_launch:", url_path="rollout"),
            st.Page("flow.py", title="System flow", icon=":material/account_tree:", url_path="flow"),
            st.Page("configuration.py", title="Configuration", icon=":material/tune:", url_path="configuration"),
        ],
    },
    _FILTERED,
)
page.run()
console.warm_models()
