"""The individual generations behind a figure, each with a link to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import streamlit as st

from pages.parts.drawer import MARK_PARAMETER, drawer
from pages.parts.filters import Chosen
from pages.parts.generation.links import as_address
from pages.parts.generation.table import generation_rows, links
from pages.parts.palette import label
from pages.parts.problems import problem
from pages.parts.tables import OPEN, listing
from pages.parts.words import day, escaped
from queries.errors import QueryError
from queries.period import period
from queries.records.generations import UNKNOWN, Which, generations
from store import Database, NotPermitted, StoreError


def drill_down(database: Database, chosen: Chosen, day: date | None, which: Which, title: str) -> None:
    """A drawer with the latest generations of a day, or of the whole period."""
    drawer(escaped(title), lambda: listed(database, chosen, day, which, title), parameter=MARK_PARAMETER)


def listed(database: Database, chosen: Chosen, day: date | None, which: Which, title: str) -> None:
    """The latest generations of a day, or of the whole period, in a table with a link to each stored one."""
    days = period(day, day, chosen.period.zone) if day else chosen.period
    try:
        found = generations(database, days.begins, days.ends, chosen.filters, which)
    except NotPermitted:
        st.caption("Only admins see individual generations.")
        return
    except (QueryError, StoreError) as error:
        problem(error)
        return
    if found.empty:
        st.caption("No generations.")
        return
    addresses, stored = links(found), any(links(found))
    rows = [
        ({"Open": address} if stored else {}) | row
        for address, row in zip(addresses, generation_rows(found, days.zone), strict=True)
    ]
    listing(rows, title, columns=OPEN, height="auto")
    kept = "Those without a link are not stored here." if stored else "None of them is stored here."
    st.caption(f"The latest {len(rows)}, times in {days.zone}. {kept}")
    if says := as_address(which, days, chosen):
        st.page_link("generations.py", label="See all of them", icon=":material/arrow_forward:", query_params=says)


def answered_on(database: Database, chosen: Chosen, clicked: Sequence[Any] | None) -> None:
    """The workflows behind a clicked mark that carries its day and the model that answered; nothing without a click."""
    if clicked and (of := clicked_day(clicked[0])):
        which = Which(status="completed", generator=clicked[1] or UNKNOWN)
        drill_down(database, chosen, of, which, f"Answered by {label(clicked[1])} on {day(of)}")


def clicked_day(text: object) -> date | None:
    """The day that a mark of a chart carries; None if it carries none."""
    try:
        return datetime.fromisoformat(str(text)).date()
    except ValueError:
        return None
