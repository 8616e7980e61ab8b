"""The history of the settings: who changed what and when, and the settings after each save."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from orchestrator.system_keys import DEFAULTS, OrchestratorSettings
from store import Database, understood


class _Change(BaseModel):
    before: Any
    after: Any


class _Save(BaseModel):
    version: int
    changed_at: datetime
    changed_by: str
    reason: str | None = None
    changes: dict[str, _Change]


@dataclass(frozen=True, slots=True)
class Save:
    """One save of the settings.

    Attributes:
        changed_by: e-mail address, or the user id or database role that was recorded.
        reason: why, in the words of that person; None if nothing was said.
        changes: the value of each changed key before and after.
        before, values: the values of all known keys before and after the save; enough to restore them.
    """

    version: int
    changed_at: datetime
    changed_by: str
    reason: str | None
    changes: dict[str, tuple[Any, Any]]
    before: dict[str, Any]
    values: dict[str, Any]


def read_history(database: Database, current: OrchestratorSettings, limit: int = 50) -> tuple[Save, ...]:
    """The latest saves, newest first; empty if nothing was ever changed.

    The values after each save are derived from the current ones by undoing the later changes one by one.

    Raises:
        StoreError: the database did not answer, has another version, or denies this identity reading.
    """
    saves = understood(list[_Save], database.call("get_settings_history", p_limit=limit))
    values = current.values()
    history = []
    for save in saves:
        changes = {key: (change.before, change.after) for key, change in save.changes.items()}
        after = dict(values)
        values |= {key: DEFAULTS.get(key, "") if before is None else before for key, (before, _) in changes.items()}
        history.append(Save(save.version, save.changed_at, save.changed_by, save.reason, changes, dict(values), after))
    return tuple(history)
