"""The agents whose workflows needed the fallback most often."""

from __future__ import annotations

import streamlit as st

from pages.parts import states
from pages.parts.filters import Chosen
from pages.parts.tables import table
from pages.parts.words import count, many
from queries.records.agents import agents as read_agents
from store import Database


def agents(database: Database, chosen: Chosen) -> None:
    """A table of at most ten agents; a sentence if there are none."""
    found = states.read(
        lambda: read_agents(database, chosen.period.begins, chosen.period.ends, chosen.filters, primary=chosen.model)
    )
    if found.frame.empty:
        st.caption("No agent's workflow needed the fallback in this period.")
        return
    rows = [
        {
            "Agent": row["agent_id"],
            "Fallbacks": count(row["fallbacks"]),
            "Workflows": count(row["generations"]),
        }
        for row in found.frame.to_dict("records")
    ]
    table(
        rows,
        found.frame,
        key="fallback_agents",
        title="Which agents needed the fallback most?",
        note=f"Based on the latest {many(found.searched, 'fallback')} of the period, at most 5,000.",
    )
