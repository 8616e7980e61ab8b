"""The saves of the settings: who changed what when, and how the settings stood after each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from orchestrator.settings import DEFAULTS, OrchestratorSettings
from store import Database, understood


class _Change(BaseModel):
    before: Any
    after: Any


class _Save(BaseModel):
    version: int
    changed_at: datetime
    changed_by: str
    changes: dict[str, _Change]


@dataclass(frozen=True, slots=True)
class Save:
    """One save.

    Attributes:
        changed_by: e-mail address, or the id or database role that was recorded.
        changes: before and after of each changed key.
        before, values: every known key's value until it was saved, and from then on; enough to return to.
    """

    version: int
    changed_at: datetime
    changed_by: str
    changes: dict[str, tuple[Any, Any]]
    before: dict[str, Any]
    values: dict[str, Any]


def read_history(database: Database, current: OrchestratorSettings, limit: int = 50) -> tuple[Save, ...]:
    """The latest saves, newest first; empty when nothing was ever changed.

    The values after each save follow from today's by taking the later changes back, one after the other.

    Raises:
        StoreError: the database did not answer, or as another version would, or this identity may not read.
    """
    saves = understood(list[_Save], database.call("get_settings_history", p_limit=limit))
    values = current.values()
    history = []
    for save in saves:
        changes = {key: (change.before, change.after) for key, change in save.changes.items()}
        after = dict(values)
        values |= {key: DEFAULTS.get(key, "") if before is None else before for key, (before, _) in changes.items()}
        history.append(Save(save.version, save.changed_at, save.changed_by, changes, dict(values), after))
    return tuple(history)
