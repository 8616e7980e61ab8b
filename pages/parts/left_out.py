"""What the figures of a page leave out, said openly."""

from __future__ import annotations

import streamlit as st

from pages.parts.behind import behind
from pages.parts.filters import Chosen
from pages.parts.words import many
from queries.behind import Which
from queries.tally import Tally
from store import Database


def left_out(total: Tally, undated: int, chosen: Chosen, person: Database) -> None:
    """A line for each kind of event that some figure does not hold; nothing where there is none."""
    lines = [
        (
            total.without_baseline,
            "has no known baseline and is left out of savings",
            "have no known baseline and are left out of savings",
        ),
        (total.without_cost, "does not say what it cost", "do not say what they cost"),
        (total.without_waste, "does not say what it wasted", "do not say what they wasted"),
        (total.unreadable, "could not be read in full", "could not be read in full"),
    ]
    said = [f"{many(number, 'generation')} {one if number == 1 else more}" for number, one, more in lines if number]
    if total.unpriced:
        said.append(f"{many(total.unpriced, 'attempt')} with an unknown price, which no cost holds")
    if undated:
        said.append(f"{many(undated, 'generation')} of the log without a readable time, in no period")
    if said:
        st.caption(f":material/info: {'; '.join(said)}.")
    if total.unreadable and st.toggle("Show what could not be read", key="left_out_shown"):
        behind(person, chosen, None, Which(unreadable=True), "Events that could not be read in full")
