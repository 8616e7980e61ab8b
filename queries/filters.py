"""Which events count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from store import is_simulated

Source = Literal["real", "simulated", "all"]
Origin = Literal["playground", "cli", "api", "platform", "elsewhere"]

SOURCES: tuple[Source, ...] = get_args(Source)
ORIGINS: tuple[Origin, ...] = get_args(Origin)


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters by source and origin.

    Attributes:
        source: real events, simulated ones (sample data included), or all.
        origin: how generations were requested; `elsewhere` for events of other systems; None for any.
    """

    source: Source = "all"
    origin: Origin | None = None

    def as_json(self) -> dict[str, str | None]:
        """The form that the SQL functions take."""
        return {"source": self.source, "origin": self.origin}


def default_source(environment: Mapping[str, str]) -> Source:
    """The source if none is chosen: real if real models are asked, otherwise simulated.

    Raises:
        InvalidInput: ORCHESTRATOR_OFFLINE or a key has an unusable value.
    """
    return "simulated" if is_simulated(environment) else "real"
