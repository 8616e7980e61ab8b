"""The generations, agents and rejected replies behind a figure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pandas as pd

from queries.answer import Row, frame
from queries.filters import Filters
from store import Database, understood

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
        steps_from ... latency_ms_to: inclusive bounds.
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
    stored: bool


def generations(
    database: Database, begins: datetime, ends: datetime, filters: Filters, which: Which, limit: int = 50
) -> pd.DataFrame:
    """The latest finished generations from `begins` until just before `ends`, newest first.

    Columns: at (aware), event_id, generation_id, agent_id, action, primary_model, generator, fallback_reason, cost_usd
    and wasted_usd (Decimal), latency_ms, steps, overridden, simulated, sample, problems (names of unreadable fields),
    stored (whether the generation can be opened).

    Raises:
        NotPermitted: this identity is not an admin.
        StoreError: the database did not answer.
    """
    answer = database.call(
        "list_generations",
        p_from=begins.isoformat(),
        p_to=ends.isoformat(),
        p_filters=filters.as_json() | {name: value for name, value in asdict(which).items() if value is not None},
        p_limit=limit,
    )
    return frame(_Generation, answer)


class _Agent(Row):
    agent_id: str
    fallbacks: int
    generations: int


class _Agents(Row):
    fallbacks: int
    agents: list[_Agent]


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents with the most fallbacks.

    Attributes:
        searched: how many fallbacks were searched, the latest of the period.
        frame: agent_id, fallbacks, generations (the agent's completed generations in the period that match the
            filters).
    """

    searched: int
    frame: pd.DataFrame


def agents(
    database: Database, begins: datetime, ends: datetime, filters: Filters, *, primary: str | None, limit: int = 10
) -> Agents:
    """The agents with the most of the latest 5,000 fallbacks of a period, overridden generations left out.

    Args:
        primary: the model that was asked first; None for any.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    answer = database.call(
        "list_agents_with_fallbacks",
        p_from=begins.isoformat(),
        p_to=ends.isoformat(),
        p_filters={**filters.as_json(), "primary_model": primary, "overridden": False},
        p_limit=limit,
    )
    found = understood(_Agents, answer)
    rows = [agent.model_dump() for agent in found.agents]
    return Agents(found.fallbacks, pd.DataFrame(rows, columns=list(_Agent.model_fields), dtype=object))


class _Rejected(Row):
    generation_id: UUID
    at: datetime
    agent_id: str | None
    model: str | None
    codes: list[str] | None
    findings: list[dict[str, Any]]
    text: str
    prompt: str


def rejected_replies(
    database: Database,
    begins: datetime,
    ends: datetime,
    filters: Filters,
    *,
    model: str | None = None,
    code: str | None = None,
    limit: int = 20,
) -> pd.DataFrame:
    """The latest rejected replies of generations that this identity may see, newest first.

    Columns: generation_id, at (aware), agent_id, model, codes, findings ([{path, code, message}]), text (its first
    4,000 characters), prompt (its first 200).

    Raises:
        StoreError: the database did not answer.
    """
    answer = database.call(
        "list_rejected_outputs",
        p_from=begins.isoformat(),
        p_to=ends.isoformat(),
        p_filters={**filters.as_json(), "model": model, "code": code},
        p_limit=limit,
    )
    return frame(_Rejected, answer)
