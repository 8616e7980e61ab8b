"""The individual generations behind a figure, each with a link to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import streamlit as st

from pages.parts.drawer import drawer
from pages.parts.filters import Chosen
from pages.parts.generation.latest import generation_link
from pages.parts.palette import REASON_LABELS, label
from pages.parts.problems import problem
from pages.parts.tables import OPEN, listing
from pages.parts.words import NONE, day, escaped, moment, money, seconds
from queries.errors import QueryError
from queries.period import period
from queries.records.generations import UNKNOWN, Which, generations
from store import Database, NotPermitted, StoreError

_STATUSES = {
    "WORKFLOW_GENERATED": "Completed",
    "WORKFLOW_GENERATION_FAILED": "Failed",
    "WORKFLOW_GENERATION_CANCELLED": "Cancelled",
}


def drill_down(database: Database, chosen: Chosen, day: date | None, which: Which, title: str) -> None:
    """A drawer with the latest generations of a day, or of the whole period."""
    drawer(escaped(title), lambda: listed(database, chosen, day, which, title))


def listed(database: Database, chosen: Chosen, day: date | None, which: Which, title: str) -> None:
    """The latest generations of a day, or of the whole period, in a table with a link to each stored one."""
    days = period(day, day, chosen.period.zone) if day else chosen.period
    try:
        found = generations(database, days.begins, days.ends, chosen.filters, which)
    except NotPermitted:
        st.caption("Only admins see individual generations. Yours are under “Past generations” in the playground.")
        return
    except (QueryError, StoreError) as error:
        problem(error)
        return
    if found.empty:
        st.caption("No generations.")
        return
    rows = [
        {
            **(
                {"Open": generation_link(row["generation_id"]) if row["stored"] else ""} if any(found["stored"]) else {}
            ),
            "When": moment(row["at"], days.zone),
            "Status": _ended(row),
            "Answered by": label(row["generator"]) if row["generator"] else NONE,
            "Fallback reason": REASON_LABELS.get(row["fallback_reason"], NONE),
            "Cost": money(row["cost_usd"]),
            "Time": seconds(row["latency_ms"]),
            "Agent": row["agent_id"] or NONE,
        }
        for row in found.to_dict("records")
    ]
    listing(rows, title, columns=OPEN, height="auto")
    kept = "Those without a link are not stored here." if any(found["stored"]) else "None of them is stored here."
    st.caption(f"The latest {len(rows)}, times in {days.zone}. {kept}")


def answered_on(database: Database, chosen: Chosen, clicked: Sequence[Any] | None) -> None:
    """The workflows behind a clicked mark that carries its day and the model that answered; nothing without a click."""
    if clicked and (of := clicked_day(clicked[0])):
        which = Which(status="completed", generator=clicked[1] or UNKNOWN)
        drill_down(database, chosen, of, which, f"Answered by {label(clicked[1])} on {day(of)}")


def _ended(row: Mapping[Any, Any]) -> str:
    ended = _STATUSES[str(row["action"])]
    if row["problems"]:
        return f"{ended}; unreadable: {', '.join(row['problems'])}"
    return f"{ended}, not in rates" if row["overridden"] else ended


def clicked_day(text: object) -> date | None:
    """The day that a mark of a chart carries; None if it carries none."""
    try:
        return datetime.fromisoformat(str(text)).date()
    except ValueError:
        return None
