"""The latest generations, each with a link to its own address."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import states
from pages.parts.filters import default_filters, zone
from pages.parts.generation.links import generation_link
from pages.parts.palette import GENERATION_STATUS, label
from pages.parts.tables import OPEN, listing
from pages.parts.words import NONE, moment, money
from queries.records.stored import latest_generations
from store import Database


def latest(database: Database, limit: int = 6) -> None:
    """The latest generations, running ones included, with a link to all; nothing if there are none."""
    found = states.read(lambda: latest_generations(database, limit=limit))
    if found.empty:
        return
    with st.container(border=True):
        st.subheader("Latest generations", anchor=False)
        _table(found)
        st.page_link("generations.py", label="All generations", icon=":material/arrow_forward:")


def _table(found: pd.DataFrame) -> None:
    here, marked = zone(), default_filters().source == "real"
    rows = [
        {
            "Open": generation_link(row["generation_id"]),
            "Status": GENERATION_STATUS[row["status"]][0] + (" (simulated)" if marked and row["simulated"] else ""),
            "Prompt": row["prompt"],
            "Answered by": label(row["generator_used"]) if row["generator_used"] else NONE,
            "Cost": money(row["cost_usd"]),
            "Started": moment(row["started_at"], here),
        }
        for row in found.to_dict("records")
    ]
    listing(rows, "The latest generations, newest first", columns=OPEN, height="auto")
    st.caption(f"Times in {here}.")
