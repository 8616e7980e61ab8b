"""Finished generations as rows of a table, the columns that decide first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pages.parts.generation.links import generation_link
from pages.parts.palette import REASON_LABELS, label
from pages.parts.words import NONE, moment, money, seconds

_STATUSES = {
    "WORKFLOW_GENERATED": "Completed",
    "WORKFLOW_GENERATION_FAILED": "Failed",
    "WORKFLOW_GENERATION_CANCELLED": "Cancelled",
}


def generation_rows(found: pd.DataFrame, zone: str) -> list[dict[str, str]]:
    """One row for each generation of `queries.records.generations.generations`, times in this zone."""
    return [
        {
            "When": moment(row["at"], zone),
            "Status": _STATUSES[str(row["action"])],
            "Cost": money(row["cost_usd"]),
            "Time": seconds(row["latency_ms"]),
            "Answered by": label(row["generator"]) if row["generator"] else NONE,
            "Fallback reason": REASON_LABELS.get(row["fallback_reason"], NONE),
            "Agent": row["agent_id"] or NONE,
            "Note": _note(row),
        }
        for row in found.to_dict("records")
    ]


def links(found: pd.DataFrame) -> list[str]:
    """The address of each generation; empty for one that is not stored here."""
    return [
        generation_link(row["generation_id"]) if row["prompt"] is not None else "" for row in found.to_dict("records")
    ]


def _note(row: Mapping[Any, Any]) -> str:
    if row["problems"]:
        return f"Unreadable: {', '.join(row['problems'])}"
    return "Not in rates" if row["overridden"] else NONE
