"""What the figures of a page leave out."""

from __future__ import annotations

import streamlit as st

from pages.parts.filters import Chosen
from pages.parts.generation.drill_down import listed
from pages.parts.words import many
from queries.records.generations import Which
from queries.tally import Tally
from store import Database


def left_out(total: Tally, undated: int, chosen: Chosen, person: Database) -> None:
    """Name each kind of event that is missing from some figure; nothing if there is none."""
    lines = [
        (
            total.without_baseline,
            "has no known baseline and is left out of savings",
            "have no known baseline and are left out of savings",
        ),
        (total.without_cost, "has no known cost", "have no known cost"),
        (total.without_waste, "has no known wasted cost", "have no known wasted cost"),
        (total.unreadable, "could not be read in full", "could not be read in full"),
    ]
    said = [f"{many(number, 'generation')} {one if number == 1 else more}" for number, one, more in lines if number]
    if total.unpriced:
        said.append(f"{many(total.unpriced, 'attempt')} with an unknown price, not included in any cost")
    if undated:
        said.append(f"{many(undated, 'generation')} without a readable time, not included in any period")
    if said:
        st.caption(f":material/info: {'; '.join(said)}.")
    if total.unreadable and st.toggle("Show events that could not be read in full", key="left_out_shown"):
        listed(person, chosen, None, Which(unreadable=True), "Events that could not be read in full")
