"""The three system keys: read as one snapshot, saved in one change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from orchestrator.errors import InvalidRequest, InvalidSettings
from orchestrator.models.catalogue import same_answers
from store import Database, Json

PRIMARY_KEY = "orchestrator_primary_model"
FALLBACK_KEY = "orchestrator_fallback_model"
ENABLE_FALLBACK_KEY = "orchestrator_enable_fallback"

DEFAULTS: dict[str, str | bool] = {
    PRIMARY_KEY: "gpt-4o-mini",
    FALLBACK_KEY: "claude-sonnet-4",
    ENABLE_FALLBACK_KEY: True,
}

_TRUTHS = {"true": True, "false": False}


class _Entry(BaseModel):
    value: Any


class _Snapshot(BaseModel):
    version: int
    settings: dict[str, _Entry]


@dataclass(frozen=True, slots=True)
class OrchestratorSettings:
    """One consistent snapshot of the system keys.

    Attributes:
        primary, fallback: logical model names, not yet looked up.
        version: counts the saves; pass it when saving to base the change on this snapshot.
    """

    primary: str
    fallback: str
    fallback_enabled: bool
    version: int

    def has_second(self, on: date) -> bool:
        """Whether there is a fallback on a day: enabled, and a different model from the primary."""
        return self.fallback_enabled and not same_answers(self.primary, self.fallback, on)

    def values(self) -> dict[str, str | bool]:
        """The keys under their own names."""
        return {
            PRIMARY_KEY: self.primary,
            FALLBACK_KEY: self.fallback,
            ENABLE_FALLBACK_KEY: self.fallback_enabled,
        }

    def as_json(self) -> dict[str, Any]:
        """The keys under their own names, and the version."""
        return self.values() | {"version": self.version}


def read_settings(database: Database) -> OrchestratorSettings:
    """The current settings; a missing key has its default.

    Raises:
        InvalidSettings: a key holds an unusable value.
        StoreError: the database did not answer, or this identity may not read.
    """
    return _settings(database.call("get_settings"))


def save_settings(
    database: Database, changes: Mapping[str, str | bool], *, expected_version: int | None = None
) -> OrchestratorSettings:
    """Change some keys in one save; the next generation of every process uses them.

    Args:
        database: an admin's.
        expected_version: the version the change is based on; None overwrites whatever is there.

    Raises:
        Conflict: somebody else has saved since that version.
        InvalidInput: there is no such key, or it cannot have this value.
        NotPermitted: this identity is not an admin.
    """
    return _settings(database.call("save_settings", p_changes=dict(changes), p_expected_version=expected_version))


def setting_from_text(assignment: str) -> tuple[str, str | bool]:
    """The key and value of a text such as `orchestrator_enable_fallback=false`.

    Raises:
        InvalidRequest: it is not an assignment.
    """
    key, separator, text = assignment.partition("=")
    if not separator or not key.strip():
        raise InvalidRequest("Write a setting as key=value.")
    value = text.strip().strip('"')
    return key.strip(), _TRUTHS.get(value.lower(), value) if key.strip() == ENABLE_FALLBACK_KEY else value


def setting_value(key: str, stored: Any) -> str | bool:
    """The value that a system key has while it holds `stored`; its default for None.

    Raises:
        InvalidSettings: the stored value is unusable.
    """
    if stored is None:
        return DEFAULTS[key]
    value = _unquoted(stored)
    return _truth(key, value) if key == ENABLE_FALLBACK_KEY else _model_name(key, value)


def _settings(document: Json) -> OrchestratorSettings:
    try:
        snapshot = _Snapshot.model_validate(document)
    except ValidationError as error:
        raise InvalidSettings("The settings in the database cannot be read; run: python -m store migrate") from error
    values = DEFAULTS | {key: entry.value for key, entry in snapshot.settings.items()}
    return OrchestratorSettings(
        primary=_model_name(PRIMARY_KEY, _unquoted(values[PRIMARY_KEY])),
        fallback=_model_name(FALLBACK_KEY, _unquoted(values[FALLBACK_KEY])),
        fallback_enabled=_truth(ENABLE_FALLBACK_KEY, _unquoted(values[ENABLE_FALLBACK_KEY])),
        version=snapshot.version,
    )


def _model_name(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _unusable(key, "the name of a model")
    return value.strip()


def _truth(key: str, value: Any) -> bool:
    truth = _TRUTHS.get(value.lower(), value) if isinstance(value, str) else value
    if not isinstance(truth, bool):
        raise _unusable(key, "true or false")
    return truth


def _unquoted(value: Any) -> Any:
    """The value without the extra JSON quoting that an earlier system's instructions called for."""
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith('"') else value
    except ValueError:
        return None


def _unusable(key: str, wanted: str) -> InvalidSettings:
    return InvalidSettings(
        f"The setting {key} must be {wanted}; set it again, for example: "
        f"python -m orchestrator settings --set {key}={json.dumps(DEFAULTS[key]).strip(chr(34))}"
    )
