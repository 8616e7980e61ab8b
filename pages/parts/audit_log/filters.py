"""The filters of the audit log; all of them stand in the address."""

from __future__ import annotations

import streamlit as st

from pages.parts import addressed
from pages.parts.audit_log.words import SEVERITY_LABELS, action_label
from queries.records.events import SEVERITIES, EventFilters, EventKinds

_ANY = "any"


def own_filters(kinds: EventKinds) -> EventFilters:
    """Draw the filters and return what is chosen.

    Args:
        kinds: what actions and flags there are.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="own_filters"):
        search = addressed.entry(
            "search", "Search", "Action, ID or name", label=False, icon=":material/search:", type="search"
        )
        action = addressed.select(
            "action", "Action", [_ANY, *kinds.actions], _ANY, _action, carried=False, width=230, label=False
        )
        severity = addressed.select(
            "severity", "Severity", [_ANY, *SEVERITIES], _ANY, _severity, carried=False, width=150, label=False
        )
        with st.popover("More", icon=":material/tune:", key="more_filters"):
            actor = addressed.entry("actor", "Who acted", "E-mail address or ID")
            entity = addressed.entry("entity", "About", "ID of an agent, a person or a token")
            flag = addressed.select("flag", "Compliance flag", [_ANY, *kinds.flags], _ANY, _flag, carried=False)
    return EventFilters(_chosen(action), _chosen(severity), _chosen(flag), actor, entity, search)


def _chosen(value: str) -> str | None:
    return None if value == _ANY else value


def _action(name: str) -> str:
    return "Any action" if name == _ANY else action_label(name)


def _severity(name: str) -> str:
    return "Any severity" if name == _ANY else SEVERITY_LABELS[name]


def _flag(name: str) -> str:
    return "Any flag" if name == _ANY else name
