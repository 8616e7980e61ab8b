"""The list of generations, page by page."""

from __future__ import annotations

import pandas as pd

from pages.parts import states
from pages.parts.drawer import drawer, named
from pages.parts.filters import Chosen
from pages.parts.generation.drawer import generation_story
from pages.parts.generation.links import GENERATION_PARAMETER
from pages.parts.generation.table import generation_rows
from pages.parts.paging import PAGE, Paging
from pages.parts.tables import listing, tall
from pages.parts.words import NONE
from queries.records.generations import Place, Which, generations
from store import Database


def pages(person: Database, chosen: Chosen, which: Which) -> bool:
    """The generations that match, newest first, fifty at a time; returns whether there are any.

    A row opens its generation in a drawer, and so does an ID in the address.
    """
    paging, days = Paging[Place]("generations", (chosen.period, chosen.filters, which)), chosen.period
    # One more than is shown tells whether there are older ones.
    found = states.read(
        lambda: generations(person, days.begins, days.ends, chosen.filters, which, PAGE + 1, paging.after)
    )
    shown = found.head(PAGE)
    rows = _rows(shown, days.zone)
    clicked = _clicked(shown, rows)
    last = None if shown.empty else Place(shown["at"].iloc[-1], shown["event_id"].iloc[-1])
    paging.turn(last, len(shown), older=len(found) > PAGE)
    if generation_id := named(GENERATION_PARAMETER, clicked):
        facts = dict(zip(_ids(shown), rows, strict=True)).get(generation_id)
        drawer("Generation", lambda: generation_story(person, generation_id, facts), parameter=GENERATION_PARAMETER)
    return paging.after is not None or not found.empty


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
    chosen = listing(rows, "Generations, newest first", height=tall(len(rows)), key="generations")
    return None if chosen is None else _ids(shown)[chosen]
