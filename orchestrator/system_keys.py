"""The system keys, one row each: the screen, the command line and the checks follow from this table.

To add one: a row here and its field in `OrchestratorSettings`, a row of `private.system_keys()` in the schema and its
migration, and the code that acts on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from orchestrator.errors import InvalidSettings
from orchestrator.models.catalogue import same_answers

Kind = Literal["model", "switch"]

_TRUTHS = {"true": True, "false": False}
_WANTED: dict[Kind, str] = {"model": "the name of a model", "switch": "true or false"}


@dataclass(frozen=True, slots=True)
class SystemKey:
    """A setting that admins change while the system runs.

    Attributes:
        name: in the database, in events and on the command line.
        field: of `OrchestratorSettings`.
        label: display name.
        effect: what it does, in a sentence or two; for a switch, what it does when it is off.
        instruction: how a form words a switch.
    """

    name: str
    field: str
    kind: Kind
    default: str | bool
    label: str
    effect: str
    instruction: str = ""

    def value(self, stored: Any) -> str | bool:
        """The value while the database holds `stored`.

        Raises:
            InvalidSettings: the stored value is unusable.
        """
        value = _unquoted(stored)
        found = self.from_text(value) if isinstance(value, str) else value
        if not (isinstance(found, bool) if self.kind == "switch" else isinstance(found, str) and found):
            raise self._unusable()
        return found

    def from_text(self, text: str) -> str | bool:
        """The value that a text spells; a switch that spells neither keeps the text, to be rejected by name."""
        value = text.strip()
        return _TRUTHS.get(value.lower(), value) if self.kind == "switch" else value

    def _unusable(self) -> InvalidSettings:
        usual = json.dumps(self.default).strip('"')
        return InvalidSettings(
            f"The setting {self.name} must be {_WANTED[self.kind]}; set it again, for example: "
            f"python -m orchestrator settings --set {self.name}={usual}"
        )


PRIMARY = SystemKey(
    "orchestrator_primary_model",
    "primary",
    "model",
    "gpt-4o-mini",
    "Primary model",
    "Asked first. A cheap model answers most requests; when it fails, both calls cost money.",
)
FALLBACK = SystemKey(
    "orchestrator_fallback_model",
    "fallback",
    "model",
    "claude-sonnet-4",
    "Fallback model",
    "Asked after a validation failure, an API error, a timeout or a rate limit of the primary model.",
)
ENABLE_FALLBACK = SystemKey(
    "orchestrator_enable_fallback",
    "fallback_enabled",
    "switch",
    True,
    "Fallback",
    "Off: if the first attempt fails, the generation fails.",
    "Ask the fallback model when the primary model fails",
)

SYSTEM_KEYS: dict[str, SystemKey] = {key.name: key for key in (PRIMARY, FALLBACK, ENABLE_FALLBACK)}
"""By name, in the order in which they are shown."""

DEFAULTS: dict[str, str | bool] = {key.name: key.default for key in SYSTEM_KEYS.values()}


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
        return {name: getattr(self, key.field) for name, key in SYSTEM_KEYS.items()}

    def as_json(self) -> dict[str, Any]:
        """The keys under their own names, and the version."""
        return self.values() | {"version": self.version}


def _unquoted(value: Any) -> Any:
    """The value without the extra JSON quoting that an earlier system's instructions called for."""
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith('"') else value
    except ValueError:
        return None
