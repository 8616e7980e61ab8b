"""What happened on a day: how much fell back, why, and the changes before it, each with its undo."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from pages.parts import states
from pages.parts.changes.names import title
from pages.parts.changes.story import about, effect_in_words
from pages.parts.changes.undo import undo
from pages.parts.filters import Chosen
from pages.parts.palette import REASON_LABELS
from pages.parts.words import escaped, inline, many, percent
from queries.changes import changes_in, read_effects
from queries.fallbacks import FallbackReport
from queries.tally import REASONS
from store import Database, clock

_BEFORE = timedelta(days=3)


def day_story(person: Database, report: FallbackReport, chosen: Chosen, of: date) -> None:
    """The day in a sentence, and the changes of that day and the three before it."""
    row = report.daily[report.daily["day"] == of].iloc[0]
    reasons = ", ".join(f"{inline(REASON_LABELS[reason])} ({row[reason]})" for reason in REASONS if row[reason])
    st.markdown(
        f"The fallback answered {percent(row['rate_pct'])} of {many(row['completed'], 'workflow')}"
        + (f": {reasons}." if reasons else ".")
    )
    zone = ZoneInfo(chosen.period.zone)
    known = changes_in(report.figures)
    near = [change for change in known if of - _BEFORE <= change.at.astimezone(zone).date() <= of]
    if not near:
        st.caption(
            "No system key was changed on that day or the three before it. Nor was a prompt version first used, as "
            "far as this period shows."
        )
        return
    effects = states.read(lambda: read_effects(person, known, chosen.filters, clock.now()))
    for change in near:
        with st.container(border=True, gap="small"):
            st.markdown(f"**{escaped(title(change))}**")
            about(change, chosen.period.zone)
            st.markdown(effect_in_words(effects[change.id]))
            with st.expander("Undo it"):
                undo(person, change)
