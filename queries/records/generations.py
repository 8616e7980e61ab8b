"""The generations behind a figure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pandas as pd

from queries.answer import Row, frame
from queries.filters import Filters
from store import Database

UNKNOWN = ""
"""Stands for an unknown model: selects the generations whose model is not known."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which generations to list; None means any.

    Attributes:
        status: completed, failed or cancelled.
        primary_model, generator: `UNKNOWN` for generations whose model is not known.
        fallback_reason: one of the four, `any` for all fallbacks, `none` for generations without one.
        unreadable: True for only the generations that could not be read in full.
        overridden: False for only the generations that rates count: default models, no forced failure.
        agent_id: exactly this one.
        search: what the prompt, the agent or the id contains, ignoring case.
        steps_from ... cost_usd_to: inclusive bounds.
    """

    status: str | None = None
    primary_model: str | None = None
    generator: str | None = None
    fallback_reason: str | None = None
    unreadable: Literal[True] | None = None
    overridden: bool | None = None
    steps_from: int | None = None
    steps_to: int | None = None
    services_from: int | None = None
    services_to: int | None = None
    latency_ms_from: float | None = None
    latency_ms_to: float | None = None
    agent_id: str | None = None
    search: str | None = None
    cost_usd_from: Decimal | None = None
    cost_usd_to: Decimal | None = None


class _Generation(Row):
    at: datetime
    event_id: UUID
    generation_id: str | None
    agent_id: str | None
    action: str
    primary_model: str | None
    generator: str | None
    fallback_reason: str | None
    cost_usd: Decimal | None
    wasted_usd: Decimal | None
    latency_ms: Decimal | None
    steps: int | None
    overridden: bool
    simulated: bool
    sample: bool
    problems: list[str]
    prompt: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """A generation's place in the list, after which another page of it begins."""

    at: datetime
    event_id: UUID


def generations(
    database: Database,
    begins: datetime,
    ends: datetime,
    filters: Filters,
    which: Which,
    limit: int = 50,
    after: Place | None = None,
) -> pd.DataFrame:
    """The latest finished generations from `begins` until just before `ends`, newest first.

    Args:
        after: the last generation of the page before; None for the first page.

    Columns: at (aware), event_id, generation_id, agent_id, action, primary_model, generator, fallback_reason, cost_usd
    and wasted_usd (Decimal), latency_ms, steps, overridden, simulated, sample, problems (names of unreadable fields),
    prompt (its first 200 characters; None for a generation that is not stored and so cannot be opened).

    Raises:
        NotPermitted: this identity is not an admin.
        StoreError: the database did not answer.
    """
    answer = database.call(
        "list_generations",
        p_from=begins.isoformat(),
        p_to=ends.isoformat(),
        p_filters=filters.as_json() | _as_json(which) | _as_json_place(after),
        p_limit=limit,
    )
    return frame(_Generation, answer)


def _as_json(which: Which) -> dict[str, Any]:
    asked = {name: value for name, value in asdict(which).items() if value is not None}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in asked.items()}


def _as_json_place(after: Place | None) -> dict[str, str]:
    return {} if after is None else {"before_at": after.at.isoformat(), "before_id": str(after.event_id)}
