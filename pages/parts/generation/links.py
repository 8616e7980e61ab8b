"""The addresses of generations, one and many."""

from __future__ import annotations

from uuid import UUID

from pages.parts.filters import Chosen
from queries.period import Period
from queries.records.generations import UNKNOWN, Which

GENERATION_PARAMETER = "generation"
"""The address parameter for the generation that a page shows."""
FALLEN_BACK, COUNTED = "fallback", "counted"
"""What the list's address says for any fallback reason, and for only the generations that rates count."""
MS_PER_S = 1000


def generation_link(generation_id: UUID | str) -> str:
    """The address of a generation in full, relative to any page: all pages are in one folder, whatever its name."""
    return f"./playground?{GENERATION_PARAMETER}={generation_id}"


def as_address(which: Which, days: Period, chosen: Chosen) -> dict[str, str] | None:
    """What the address of the list of generations says to show just these; None if it cannot say it."""
    if UNKNOWN in (which.generator, which.primary_model) or which.unreadable:
        return None
    if which.services_from is not None or which.services_to is not None:
        return None
    says = {
        "period": "days",
        "days": f"{days.first}..{days.last}",
        "source": chosen.filters.source,
        "origin": chosen.filters.origin,
        "model": which.generator,
        "status": which.status,
        "first": which.primary_model,
        "reason": FALLEN_BACK if which.fallback_reason == "any" else which.fallback_reason,
        "rates": COUNTED if which.overridden is False else None,
        "agent": which.agent_id,
        "steps_from": _number(which.steps_from),
        "steps_to": _number(which.steps_to),
        "time_from": _number(which.latency_ms_from, MS_PER_S),
        "time_to": _number(which.latency_ms_to, MS_PER_S),
    }
    return {name: text for name, text in says.items() if text is not None}


def _number(value: float | None, per: int = 1) -> str | None:
    return None if value is None else f"{value / per:.12g}"
