"""The latest generations, each with a link to its own address."""

from __future__ import annotations

from uuid import UUID

import pandas as pd
import streamlit as st

from pages.parts import states
from pages.parts.filters import default_filters, zone
from pages.parts.palette import GENERATION_STATUS, label
from pages.parts.tables import OPEN, listing
from pages.parts.words import NONE, moment, money
from queries.records.stored import latest_generations
from store import Database

GENERATION_PARAMETER = "generation"
"""The address parameter for the generation that the playground shows."""


def generation_link(generation_id: UUID | str) -> str:
    """The address of a generation, relative to any page: all pages are in one folder, whatever its name."""
    return f"./playground?{GENERATION_PARAMETER}={generation_id}"


def latest(database: Database, limit: int = 6) -> None:
    """The latest generations with a link to all; nothing if there are none."""
    found = states.read(lambda: latest_generations(database, limit=limit))
    if found.empty:
        return
    with st.container(border=True):
        st.subheader("Latest generations", anchor=False)
        _table(found)
        st.page_link("playground.py", label="Search all generations", icon=":material/arrow_forward:")


def past_generations(database: Database) -> None:
    """The latest generations with a search field; a sentence if there are none."""
    st.subheader("Past generations", anchor=False)
    search = st.text_input("Search past generations", key="playground_search", placeholder="Prompt text or ID")
    found = states.read(lambda: latest_generations(database, search=search or ""))
    if found.empty:
        st.caption("No generation matches." if search else "No generations yet. Describe a process above.")
        return
    _table(found)


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
