"""The list of generations, page by page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import states
from pages.parts.drawer import drawer, named
from pages.parts.filters import Chosen
from pages.parts.generation.drawer import generation_story
from pages.parts.generation.links import GENERATION_PARAMETER
from pages.parts.generation.table import generation_rows
from pages.parts.tables import listing
from pages.parts.words import NONE, count
from queries.records.generations import Place, Which, generations
from store import Database

_PAGE = 50
_HEIGHT = 640
_PLACES, _FOR = "generations_places", "generations_for"


def pages(person: Database, chosen: Chosen, which: Which) -> bool:
    """The generations that match, newest first, fifty at a time; returns whether there are any.

    A row opens its generation in a drawer, and so does an ID in the address.
    """
    places = _places(chosen, which)
    days, after = chosen.period, places[-1] if places else None
    # One more than is shown tells whether there are older ones.
    found = states.read(lambda: generations(person, days.begins, days.ends, chosen.filters, which, _PAGE + 1, after))
    shown = found.head(_PAGE)
    rows = _rows(shown, days.zone)
    clicked = _clicked(shown, rows)
    if places or len(found) > _PAGE:
        _turn(places, shown, older=len(found) > _PAGE)
    if generation_id := named(GENERATION_PARAMETER, clicked):
        facts = dict(zip(_ids(shown), rows, strict=True)).get(generation_id)
        drawer("Generation", lambda: generation_story(person, generation_id, facts), parameter=GENERATION_PARAMETER)
    return bool(places) or not found.empty


def _places(chosen: Chosen, which: Which) -> list[Place]:
    """The ends of the pages before this one; none after the filters have changed."""
    asked = (chosen.period, chosen.filters, which)
    if st.session_state.get(_FOR) != asked:
        st.session_state[_FOR], st.session_state[_PLACES] = asked, []
    places: list[Place] = st.session_state[_PLACES]
    return places


def _rows(shown: pd.DataFrame, zone: str) -> list[dict[str, str]]:
    prompts = [prompt or NONE for prompt in shown["prompt"]]
    return [row | {"Prompt": prompt} for row, prompt in zip(generation_rows(shown, zone), prompts, strict=True)]


def _ids(shown: pd.DataFrame) -> list[str]:
    """The ID of each generation; of its event where another system gave it none."""
    return [str(row["generation_id"] or row["event_id"]) for row in shown.to_dict("records")]


def _clicked(shown: pd.DataFrame, rows: list[dict[str, str]]) -> str | None:
    """Draw the table and return the ID of the generation whose row is selected; None if none is."""
    if not rows:
        return None
    chosen = listing(rows, "Generations, newest first", height=_HEIGHT, key="generations")
    return None if chosen is None else _ids(shown)[chosen]


def _turn(places: list[Place], shown: pd.DataFrame, *, older: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Newer", icon=":material/chevron_left:", disabled=not places, on_click=_newer, args=(places,))
        if older:
            last = Place(shown["at"].iloc[-1], shown["event_id"].iloc[-1])
            st.button("Older", icon=":material/chevron_right:", on_click=places.append, args=(last,))
        st.caption(f"{count(len(places) * _PAGE + 1)} to {count(len(places) * _PAGE + len(shown))}")


def _newer(places: list[Place]) -> None:
    places.pop()
