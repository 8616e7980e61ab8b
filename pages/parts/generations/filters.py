"""The filters that only the list of generations has; all of them stand in the address."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from orchestrator.models.catalogue import CATALOGUE
from pages.parts import addressed
from pages.parts.generation.links import COUNTED, FALLEN_BACK, MS_PER_S
from pages.parts.palette import REASON_LABELS, label
from queries.records.generations import Which

_ANY = "any"
_STATUSES = {_ANY: "Any status", "completed": "Completed", "failed": "Failed", "cancelled": "Cancelled"}
_REASONS = {
    _ANY: "With or without fallback",
    FALLEN_BACK: "Any fallback",
    "none": "No fallback",
    **REASON_LABELS,
}
_RATES = {_ANY: "All generations", COUNTED: "Only those that count in rates"}


def own_filters() -> Which:
    """Draw the filters and return what is chosen."""
    with st.container(horizontal=True, vertical_alignment="center", key="own_filters"):
        search = addressed.entry(
            "search", "Search", "Prompt, agent or ID", label=False, icon=":material/search:", type="search"
        )
        status = addressed.select(
            "status", "Status", list(_STATUSES), _ANY, _STATUSES.__getitem__, carried=False, width=150, label=False
        )
        reason = addressed.select(
            "reason", "Fallback", list(_REASONS), _ANY, _REASONS.__getitem__, carried=False, width=210, label=False
        )
        with st.popover("More", icon=":material/tune:", key="more_filters"):
            return _more(search, None if status == _ANY else status, _asked(reason))


def _model(name: str) -> str:
    return "Any model" if name == _ANY else label(name)


def _asked(reason: str) -> str | None:
    return {_ANY: None, FALLEN_BACK: "any"}.get(reason, reason)


def _more(search: str | None, status: str | None, reason: str | None) -> Which:
    agent = addressed.entry("agent", "Agent ID", "Any agent")
    first = addressed.select("first", "Asked first", [_ANY, *CATALOGUE], _ANY, _model, carried=False)
    rates = addressed.select("rates", "Rates", list(_RATES), _ANY, _RATES.__getitem__, carried=False)
    with st.grid(2):
        steps = [addressed.number(f"steps_{end}", f"Steps {end}", step=1.0, format="%d") for end in ("from", "to")]
        cost = [addressed.number(f"cost_{end}", f"Cost {end}, $", step=0.01, format="%g") for end in ("from", "to")]
        time = [addressed.number(f"time_{end}", f"Time {end}, s", step=1.0, format="%g") for end in ("from", "to")]
    steps_from, steps_to = (None if value is None else int(value) for value in steps)
    cost_from, cost_to = (None if value is None else Decimal(str(value)) for value in cost)
    ms_from, ms_to = (None if value is None else value * MS_PER_S for value in time)
    return Which(
        status=status,
        primary_model=None if first == _ANY else first,
        fallback_reason=reason,
        overridden=None if rates == _ANY else False,
        agent_id=agent,
        search=search,
        steps_from=steps_from,
        steps_to=steps_to,
        cost_usd_from=cost_from,
        cost_usd_to=cost_to,
        latency_ms_from=ms_from,
        latency_ms_to=ms_to,
    )
