"""What time it is for this process: the one clock, chosen by `orchestrator.bootstrap` and set by tests.

Nothing else asks the system; a lint rule says so. What is decided across hosts asks the database instead, and what
measures how long something takes uses `time.monotonic`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers with the present, aware, in UTC."""


def system() -> datetime:
    """The present as the operating system has it."""
    return datetime.now(UTC)


_chosen: Clock = system


def now() -> datetime:
    """The present by the chosen clock; the system's until another one was chosen."""
    return _chosen()


def use(clock: Clock) -> None:
    """Let every later `now` of this process ask this clock."""
    global _chosen
    _chosen = clock
