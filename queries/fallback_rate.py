"""How often did the fallback answer?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel

from store import Database


@dataclass(frozen=True, slots=True)
class FallbackRate:
    """Completed generations, and those that the fallback answered."""

    completed: int
    fallbacks: int

    @property
    def pct(self) -> Decimal | None:
        """Fallbacks / completed in percent; None while nothing has completed."""
        return Decimal(self.fallbacks * 100) / self.completed if self.completed else None


class _Answer(BaseModel):
    completed: int
    fallbacks: int


def fallback_rate(database: Database, *, since: datetime, simulated: bool) -> FallbackRate:
    """The rate from an instant until now, of simulated or of real generations; overridden runs are left out.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    answer = database.call("get_fallback_rate", p_since=since.isoformat(), p_simulated=simulated)
    return FallbackRate(**_Answer.model_validate(answer).model_dump())
