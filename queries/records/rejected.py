"""Replies that validation rejected."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd

from queries.answer import Row, frame
from queries.filters import Filters
from store import Database


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
