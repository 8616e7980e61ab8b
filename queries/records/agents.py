"""The agents behind the fallbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from queries.answer import Row
from queries.filters import Filters
from store import Database, understood


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
