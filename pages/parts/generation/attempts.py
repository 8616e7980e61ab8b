"""The attempts of a generation, from the rejected one to the one that was used."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from pages.parts.generation.annotated import annotated
from pages.parts.generation.details import AttemptDetails, GenerationDetails
from pages.parts.palette import OUTCOME_LABELS, label
from pages.parts.words import count, escaped, inline, money, seconds, spoken


def attempts(generation: GenerationDetails) -> None:
    """One card for each attempt: its share of time and money, and what it answered if that was rejected."""
    st.markdown("**What it took**")
    if not generation.attempts:
        st.caption("No model was asked." if generation.status != "running" else "The attempts are recorded at the end.")
        return
    time_ms = sum(attempt.duration_ms for attempt in generation.attempts)
    cost = sum((attempt.cost_usd or Decimal(0) for attempt in generation.attempts), Decimal(0))
    for number, attempt in enumerate(generation.attempts):
        with st.container(border=True, gap="small"):
            _outcome(number, attempt)
            with st.grid(2, min_column_width=140):
                _bar(attempt.duration_ms / time_ms if time_ms else 0.0, seconds(attempt.duration_ms))
                _bar(float((attempt.cost_usd or 0) / cost) if cost else 0.0, money(attempt.cost_usd))
            _rejected(number, generation)


def _outcome(number: int, attempt: AttemptDetails) -> None:
    used = attempt.outcome == "succeeded"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{number + 1}. {escaped(label(attempt.model))}**", width="content")
        if used:
            st.badge("Used", icon=":material/check_circle:", color="green")
        else:
            st.badge(OUTCOME_LABELS.get(attempt.outcome, attempt.outcome), icon=":material/cancel:", color="orange")
        about = "about " if attempt.tokens_estimated else ""
        detail = f"{inline(spoken(attempt.detail))} · " if attempt.detail and not used else ""
        st.caption(escaped(f"{detail}{about}{count(attempt.tokens)} tokens · {attempt.api_model}"), width="content")


def _bar(share: float, words: str) -> None:
    st.progress(min(1.0, max(0.0, share)), text=words)


def _rejected(number: int, generation: GenerationDetails) -> None:
    if number not in generation.rejected:
        return
    findings = [each for each in generation.findings if each.attempt == number and each.severity == "error"]
    with st.expander("What it answered, and why that was rejected"):
        for found in findings:
            st.markdown(escaped(f"{found.path}: {found.message}"))
        notes = [{"path": found.path, "message": found.message} for found in findings]
        st.code(annotated(generation.rejected[number] or "(empty)", notes), language=None, wrap_lines=True, height=320)
