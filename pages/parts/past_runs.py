"""The latest runs, each a link to its own address."""

from __future__ import annotations

import streamlit as st

from orchestrator.models import CATALOGUE
from pages.parts.words import NONE, moment, money
from queries.runs import latest_runs
from store import Database


def past_runs(database: Database, parameter: str) -> None:
    """The latest runs with a search field; a sentence where there are none.

    Args:
        parameter: name of the address parameter that opens a run.
    """
    st.subheader("Past runs", anchor=False)
    search = st.text_input("Search past runs", key="playground_search", placeholder="Words of the prompt, or an id")
    runs = latest_runs(database, search=search or "")
    if runs.empty:
        st.caption("No run matches." if search else "Nothing generated yet. Describe a process above.")
        return
    zone = st.context.timezone or "UTC"
    rows = [
        {
            "Open": f"/?{parameter}={run['generation_id']}",
            "Prompt": run["prompt"],
            "Status": run["status"],
            "Answered by": CATALOGUE[run["generator_used"]].label if run["generator_used"] in CATALOGUE else NONE,
            "Cost": money(run["cost_usd"]),
            "When": moment(run["started_at"], zone),
        }
        for run in runs.to_dict("records")
    ]
    links = st.column_config.LinkColumn("Open", display_text=":material/open_in_new:", width="small")
    st.dataframe(rows, hide_index=True, column_config={"Open": links}, alt="The latest runs, newest first")
    st.caption(f"Times in {zone}.")
