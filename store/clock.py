"""This process's clock, chosen by `orchestrator.bootstrap` and set by tests.

Nothing else reads the system time; a lint rule enforces it. Decisions across hosts use the database's clock instead,
and durations are measured with `time.monotonic`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, timezone-aware, in UTC."""


def system() -> datetime:
    """The operating system's current time."""
    return datetime.now(UTC)


_chosen: Clock = system


def now() -> datetime:
    """The current time of the chosen clock; the system's until another one is chosen."""
    return _chosen()


def use(clock: Clock) -> None:
    """Make every later `now` of this process use this clock."""
    global _chosen
    _chosen = clock
