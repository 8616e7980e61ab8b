"""The playground's form, and filling it with an earlier request."""

from __future__ import annotations

import streamlit as st

from queries.records.stored import StoredGeneration


def edit(stored: StoredGeneration) -> None:
    """Fill the form with a generation's request, to be changed and run."""
    st.session_state["playground_prompt"] = stored.prompt
    st.session_state["playground_services"] = list(stored.services)
    st.session_state["playground_agent"] = stored.agent_id or ""
