"""A generation in a drawer: everything about it, with what can be done next."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from orchestrator import OrchestratorError
from pages.parts import console
from pages.parts.generation.details import recorded
from pages.parts.generation.links import GENERATION_PARAMETER
from pages.parts.generation.repeat import edit
from pages.parts.generation.view import show_generation
from pages.parts.problems import problem
from pages.parts.words import escaped
from queries.errors import QueryError
from queries.records.stored import StoredGeneration, find_generation
from store import Database, StoreError


def generation_story(database: Database, generation_id: str, facts: Mapping[str, str] | None = None) -> None:
    """The generation with this ID, or a sentence that there is none.

    Args:
        facts: what the list says of it, shown if only its event is known; None if the list does not hold it.
    """
    try:
        stored = find_generation(database, UUID(generation_id))
    except ValueError:
        stored = None
    except (OrchestratorError, QueryError, StoreError) as error:
        problem(error)
        return
    if stored is None and facts:
        st.caption("Its prompt and steps are not stored here. This is what its event says.")
        # A table takes Markdown.
        st.table({"": list(facts), "Value": [escaped(value) for value in facts.values()]})
        return
    if stored is None:
        st.warning("This generation is not stored here, or it belongs to someone else.", icon=":material/search_off:")
        return
    if console.may("generate") and not stored.erased_at:
        _next(stored, generation_id)
    show_generation(recorded(stored))


def _next(stored: StoredGeneration, generation_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "playground.py", label="Open the full page", icon=":material/open_in_full:",
            query_params={GENERATION_PARAMETER: generation_id},
        )  # fmt: skip
        if st.button("Edit and run", icon=":material/edit:", key="drawer_edit", type="tertiary"):
            edit(stored)
            st.switch_page("playground.py")
