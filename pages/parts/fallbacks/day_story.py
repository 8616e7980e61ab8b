"""What happened on a day: how much fell back, why, and the changes before it, each with its undo."""

from __future__ import annotations

from datetime import date

import streamlit as st

from pages.parts.changes.near import changes_near
from pages.parts.filters import Chosen
from pages.parts.palette import REASON_LABELS
from pages.parts.words import inline, many, percent
from queries.fallbacks import FallbackReport
from queries.tally import REASONS
from store import Database


def day_story(person: Database, report: FallbackReport, chosen: Chosen, of: date) -> None:
    """The day in a sentence, and the changes of that day and the three before it."""
    row = report.daily[report.daily["day"] == of].iloc[0]
    reasons = ", ".join(f"{inline(REASON_LABELS[reason])} ({row[reason]})" for reason in REASONS if row[reason])
    st.markdown(
        f"The fallback answered {percent(row['rate_pct'])} of {many(row['completed'], 'workflow')}"
        + (f": {reasons}." if reasons else ".")
    )
    changes_near(person, report.figures, chosen, of)
