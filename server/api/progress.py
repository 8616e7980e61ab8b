"""The progress of a generation as server-sent events."""

from __future__ import annotations

from typing import Any

from orchestrator.generation.progress import AttemptStarted, Finished, Progress, StepAccepted
from store import exact_json


def named_progress(event: Progress) -> tuple[str, dict[str, Any]]:
    """The name and the data of an event."""
    if isinstance(event, AttemptStarted):
        return "attempt_started", {"number": event.number, "model": event.model, "limit_s": event.limit_s}
    if isinstance(event, StepAccepted):
        return "step_accepted", {"number": event.number, "index": event.index, "step": event.step}
    if isinstance(event, Finished):
        return "finished", event.result.as_json()
    attempt = event.attempt.as_json() if event.attempt else None
    return "attempt_failed", {"number": event.number, "reason": event.reason, "attempt": attempt}


def server_sent(name: str, data: dict[str, Any]) -> str:
    """An event as text."""
    return f"event: {name}\ndata: {exact_json(data, sort_keys=True)}\n\n"
