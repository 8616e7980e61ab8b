"""One event: who, what about, what changed, and everything it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts import system_keys
from pages.parts.audit_log.words import SEVERITY_COLOURS, SEVERITY_LABELS, action_label
from pages.parts.events_link import events_about, events_by
from pages.parts.generation.links import generation_link
from pages.parts.words import NONE, escaped, moment
from queries.records.events import AuditEvent


def event_story(event: AuditEvent | None, zone: str) -> None:
    """The event, or a sentence that there is none.

    Args:
        zone: the time zone of its moment.
    """
    if event is None:
        st.warning("There is no event with this ID.", icon=":material/search_off:")
        return
    st.subheader(action_label(event.action), anchor=False)
    _badges(event)
    facts = _facts(event, zone)
    # A table takes Markdown.
    st.table({"": list(facts), "Value": [escaped(value) for value in facts.values()]})
    _links(event)
    if changes := _changes(event):
        st.markdown("**Before and after**")
        st.table(changes)
    if event.details:
        with st.expander("Details", expanded=not changes):
            st.code(json.dumps(event.details, indent=2, ensure_ascii=False), "json", wrap_lines=True)
    st.caption(f"Event `{event.id}`. Its address can be passed on.")


def _badges(event: AuditEvent) -> None:
    with st.container(horizontal=True):
        severity = event.severity or ""
        colour: Any = SEVERITY_COLOURS.get(severity, "gray")
        st.badge(SEVERITY_LABELS.get(severity, severity or NONE), color=colour)
        for flag in event.compliance_flags or []:
            st.badge(escaped(flag), icon=":material/verified_user:", color="blue")
        if event.superseded:
            st.badge("Superseded by a later event", icon=":material/history:", color="gray")


def _facts(event: AuditEvent, zone: str) -> dict[str, str]:
    told = {
        "When": f"{moment(event.timestamp, zone)} ({zone})" if event.timestamp else None,
        "Exactly": event.timestamp.isoformat() if event.timestamp else None,
        "Who": event.actor,
        "ID of who": event.actor_id if event.actor != event.actor_id else None,
        "About": event.entity,
        "Kind": event.entity_type,
        "IP address": event.ip_address,
        "Browser": event.user_agent,
        "Session": event.session_id,
    }
    return {name: value for name, value in told.items() if value}


def _links(event: AuditEvent) -> None:
    generation = event.details.get("generation_id") if isinstance(event.details, dict) else None
    links = [
        f"[Open the generation]({generation_link(generation)})" if generation else "",
        events_by(event.actor_id) if event.actor_id else "",
        events_about(event.entity_id) if event.entity_id else "",
    ]
    st.markdown(" · ".join(filter(None, links)))


def _changes(event: AuditEvent) -> dict[str, list[str]]:
    if not isinstance(event.changes, Mapping):
        return {}
    pairs = system_keys.pairs(event.changes)
    return {
        "": [escaped(system_keys.label(key)) for key in pairs],
        "Before": [escaped(system_keys.spoken(key, before)) for key, (before, _) in pairs.items()],
        "After": [escaped(system_keys.spoken(key, after)) for key, (_, after) in pairs.items()],
    }
