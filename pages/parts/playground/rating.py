"""Thumbs up or down for a workflow, once per person."""

from __future__ import annotations

import streamlit as st

from orchestrator import Application
from orchestrator.recording.ratings import rate
from pages.parts import console
from pages.parts.problems import problem
from queries.records.stored import StoredGeneration
from store import StoreError

_GOOD = 1


def rating(application: Application, stored: StoredGeneration) -> None:
    """The thumbs, or the earlier rating; nothing if the generation gave no workflow."""
    if stored.pilot_steps is None or not console.may("generate"):
        return
    if stored.rating is not None:
        thumb, word = (":material/thumb_up:", "good") if stored.rating == _GOOD else (":material/thumb_down:", "bad")
        st.badge(f"You rated this workflow {word}", icon=thumb, color="gray")
        return
    key = f"rating_{stored.generation_id}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Is this workflow right?")
        verdict = st.feedback("thumbs", key=key)
    # No callback: after a lost session it would never be called, although the thumb would look pressed.
    if verdict is not None:
        _rate(application, stored, verdict)


def _rate(application: Application, stored: StoredGeneration, verdict: int) -> None:
    try:
        rate(
            application.store.machine(), stored.generation_id, actor_id=console.caller().user_id, good=verdict == _GOOD
        )  # fmt: skip
    except StoreError as error:
        problem(error)
    else:
        st.rerun()
