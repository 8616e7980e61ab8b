"""The list of events, page by page, and the one that the address names."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

import streamlit as st

from pages.parts import states
from pages.parts.audit_log.event import event_story
from pages.parts.audit_log.words import SEVERITY_LABELS, action_label
from pages.parts.drawer import drawer, named
from pages.parts.paging import PAGE, Paging
from pages.parts.tables import listing, tall
from pages.parts.words import NONE, moment
from queries.period import Period
from queries.records.events import AuditEvent, EventFilters, Place, find_event, list_events
from store import Database

EVENT_PARAMETER = "event"
"""The address parameter for the event whose drawer is open."""


def events(person: Database, days: Period, filters: EventFilters) -> bool:
    """The events that match, newest first, fifty at a time; returns whether there are any."""
    paging = Paging[Place]("events", (days, filters))
    # One more than is shown tells whether there are older ones.
    found = states.read(
        lambda: list_events(person, days.begins, days.ends, filters, after=paging.after, limit=PAGE + 1)
    )
    shown = found[:PAGE]
    clicked = _clicked(shown, days.zone)
    paging.turn(_place(shown), len(shown), older=len(found) > PAGE)
    if shown:
        _export(days, filters)
    if event_id := named(EVENT_PARAMETER, clicked):
        drawer("Event", lambda: event_story(_found(person, event_id), days.zone), parameter=EVENT_PARAMETER)
    return paging.after is not None or bool(found)


def _clicked(shown: list[AuditEvent], zone: str) -> str | None:
    """Draw the table and return the ID of the event whose row is selected; None if none is."""
    if not shown:
        return None
    rows = [_row(event, zone) for event in shown]
    chosen = listing(rows, "Events, newest first", height=tall(len(rows)), key="events")
    return None if chosen is None else str(shown[chosen].id)


def _place(shown: list[AuditEvent]) -> Place | None:
    """The place of the last event; None if it has no moment, after which no page can begin."""
    last = shown[-1] if shown else None
    return Place(last.timestamp, last.id) if last and last.timestamp else None


def _row(event: AuditEvent, zone: str) -> dict[str, str]:
    return {
        "When": moment(event.timestamp, zone) if event.timestamp else NONE,
        "What": action_label(event.action),
        "Who": event.actor or NONE,
        "About": event.entity or NONE,
        "Severity": SEVERITY_LABELS.get(event.severity or "", event.severity or NONE),
    }


def _export(days: Period, filters: EventFilters) -> None:
    """The link to all events of the filter as a file; exporting leaves an event."""
    query = {"from": days.begins.isoformat(), "to": days.ends.isoformat(), **filters.chosen()}
    st.link_button(
        "Export as CSV", f"api/audit-events?{urlencode(query)}", icon=":material/download:", type="tertiary",
        help="Every event of this filter, all pages. Exporting leaves an event of its own.",
    )  # fmt: skip


def _found(person: Database, event_id: str) -> AuditEvent | None:
    try:
        wanted = UUID(event_id)
    except ValueError:
        return None
    return states.read(lambda: find_event(person, wanted))
