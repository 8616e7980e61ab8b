"""Which events count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

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


def default_source(*, simulated: bool) -> Source:
    """The source if none is chosen: simulated if the models in use are simulated, otherwise real."""
    return "simulated" if simulated else "real"
