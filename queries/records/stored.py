"""Past generations: one by its id, or the latest."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pandas as pd

from queries.answer import Row, frame
from store import Database, understood


class AttemptRow(Row):
    """One attempt of a generation; `cost_usd` is None if the price is unknown."""

    model: str
    api_model: str
    outcome: str
    detail: str
    tokens: dict[str, int]
    tokens_estimated: bool
    cost_usd: Decimal | None
    duration_ms: int


class FindingRow(Row):
    """What validation found in one attempt's reply."""

    attempt: int
    path: str
    code: str
    message: str
    severity: str


class Rejected(Row):
    """A reply that validation rejected."""

    attempt: int
    text: str


class ResultFigures(Row):
    """Figures of the result beyond its attempts; None where they do not apply."""

    api_model: str | None = None
    generation_time_ms: int | None = None
    fallback_reason: str | None = None
    baseline_cost_usd: Decimal | None = None
    savings_usd: Decimal | None = None

    @property
    def savings_pct(self) -> Decimal | None:
        """Savings as a percentage of the baseline; None if that is unknown or 0."""
        saved, baseline = self.savings_usd, self.baseline_cost_usd
        return 100 * saved / baseline if saved is not None and baseline else None


class Options(Row):
    """What was chosen for a generation only; None where nothing was."""

    primary: str | None = None
    fallback: str | None = None
    fallback_enabled: bool | None = None
    forced_fault: str | None = None


class StoredGeneration(Row):
    """One generation as it was recorded.

    Attributes:
        status: running, succeeded, failed, cancelled or interrupted.
        pilot_steps: None if there is no workflow.
        cost_usd: all attempts; None while running.
        rating: this identity's own, 1 for good and 0 for bad; None if there is none.
        erased_at: when its prompt and its outputs were erased; None if they are there.
    """

    generation_id: UUID
    prompt: str
    services: list[str]
    agent_id: str | None
    status: str
    pilot_steps: list[dict[str, Any]] | None
    findings: list[FindingRow]
    rejected_outputs: list[Rejected]
    attempts: list[AttemptRow]
    generator_used: str | None
    cost_usd: Decimal | None
    figures: ResultFigures
    simulated: bool
    overridden: bool
    options: Options
    config_version: int | None
    replaces_generation_id: UUID | None
    rating: int | None
    sample: bool
    started_at: datetime
    finished_at: datetime | None
    erased_at: datetime | None = None

    @property
    def duration_ms(self) -> int | None:
        """From the first request to the end of the last one; None if no model was asked, and while it is running."""
        if self.figures.generation_time_ms is not None:
            return self.figures.generation_time_ms
        return sum(attempt.duration_ms for attempt in self.attempts) if self.attempts else None


def find_generation(database: Database, generation_id: UUID) -> StoredGeneration | None:
    """The generation with this id; None if there is none, or this identity may not see it.

    Raises:
        StoreError: the database did not answer.
    """
    answer = database.call("get_workflow", p_generation_id=str(generation_id))
    return None if answer is None else understood(StoredGeneration, answer)


class _Listed(Row):
    generation_id: UUID
    prompt: str
    status: str
    generator_used: str | None
    cost_usd: Decimal | None
    steps: int | None
    started_at: datetime
    simulated: bool


def latest_generations(database: Database, *, limit: int = 20) -> pd.DataFrame:
    """The latest generations that this identity may see, running ones included, newest first.

    Columns: generation_id (UUID), prompt (its first 200 characters), status, generator_used, cost_usd (Decimal, US
    dollars), steps, started_at (aware), simulated. Unknown is None. No rows if there are none.

    Raises:
        StoreError: the database did not answer.
    """
    return frame(_Listed, database.call("list_workflows", p_limit=limit))
