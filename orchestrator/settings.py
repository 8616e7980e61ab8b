"""The three system keys: read as one snapshot, saved in one change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from orchestrator.errors import InvalidRequest, InvalidSettings
from orchestrator.system_keys import SYSTEM_KEYS, OrchestratorSettings
from store import Database, Json


class _Entry(BaseModel):
    value: Any


class _Snapshot(BaseModel):
    version: int
    settings: dict[str, _Entry]


def read_settings(database: Database) -> OrchestratorSettings:
    """The current settings; a missing key has its default.

    Raises:
        InvalidSettings: a key holds an unusable value.
        StoreError: the database did not answer, or this identity may not read.
    """
    return _settings(database.call("get_settings"))


def save_settings(
    database: Database,
    changes: Mapping[str, str | bool],
    *,
    expected_version: int | None = None,
    reason: str | None = None,
) -> OrchestratorSettings:
    """Change some keys in one save; the next generation of every process uses them.

    Args:
        database: an admin's.
        expected_version: the version the change is based on; None overwrites whatever is there.
        reason: why, on one line of at most 200 characters; kept in the audit event.

    Raises:
        Conflict: somebody else has saved since that version.
        InvalidInput: there is no such key, or it cannot have this value.
        NotPermitted: this identity is not an admin.
    """
    answer = database.call(
        "save_settings", p_changes=dict(changes), p_expected_version=expected_version, p_reason=reason
    )
    return _settings(answer)


def setting_from_text(assignment: str) -> tuple[str, str | bool]:
    """The key and value of a text such as `orchestrator_enable_fallback=false`; the database checks both.

    Raises:
        InvalidRequest: it is not an assignment.
    """
    name, separator, text = assignment.partition("=")
    if not separator or not name.strip():
        raise InvalidRequest("Write a setting as key=value.")
    value = text.strip().strip('"')
    key = SYSTEM_KEYS.get(name.strip())
    return name.strip(), key.from_text(value) if key else value


def _settings(document: Json) -> OrchestratorSettings:
    try:
        snapshot = _Snapshot.model_validate(document)
    except ValidationError as error:
        raise InvalidSettings("The settings in the database cannot be read; run: python -m store migrate") from error
    stored = {name: entry.value for name, entry in snapshot.settings.items()}
    fields: dict[str, Any] = {key.field: key.value(stored.get(name, key.default)) for name, key in SYSTEM_KEYS.items()}
    return OrchestratorSettings(**fields, version=snapshot.version)
