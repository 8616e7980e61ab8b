"""The changes shortly before a day, which may explain it."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from pages.parts import states
from pages.parts.changes.names import title
from pages.parts.changes.story import about, effect_in_words
from pages.parts.changes.undo import undo
from pages.parts.filters import Chosen
from pages.parts.results import show_result
from pages.parts.words import escaped
from queries.changes import changes_in, read_effects
from queries.figures import Figures
from store import Database, clock

_BEFORE = timedelta(days=3)


def changes_near(person: Database, figures: Figures, chosen: Chosen, of: date) -> None:
    """The changes of a day and the three before it, each with its effect and its undo; a sentence if there are none."""
    show_result()
    zone = ZoneInfo(chosen.period.zone)
    known = changes_in(figures)
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
            if change.prompt_version is None:
                with st.expander("Undo this change"):
                    undo(person, change)
            else:
                undo(person, change)
