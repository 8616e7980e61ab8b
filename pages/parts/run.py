"""A generation under way, as a page sees it: it lives on when the page reruns or is left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator import (
    Application,
    AttemptFailed,
    AttemptStarted,
    RunOptions,
    StepAccepted,
    WorkflowGenerationResult,
)
from orchestrator.background import Job
from orchestrator.events import GenerationEvent
from orchestrator.models import named
from orchestrator.request import checked_request
from store import exact_json
from store.identity import LOCAL_PERSON_ID


@dataclass
class Run:
    """One generation.

    Attributes:
        events: what has happened so far; appended by the background loop.
    """

    job: Job[WorkflowGenerationResult] | None = None
    events: list[GenerationEvent] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def begin(cls, application: Application, prompt: str, services: Sequence[str]) -> Run:
        """Start a generation.

        Raises:
            InvalidRequest: it cannot be taken.
        """
        request = checked_request(
            prompt=prompt, services=services, agent_id=None, user_id=LOCAL_PERSON_ID, origin="playground"
        )
        run = cls()
        run.job = application.orchestrator.start(request, RunOptions(origin="playground"), run.events.append)
        return run

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.job is not None and not self.job.future.done()

    def cancel(self) -> None:
        """Stop it; what it spent is booked."""
        if self.job is not None:
            self.job.cancel()

    def result(self) -> WorkflowGenerationResult:
        """What it gave, once it has ended.

        Raises:
            OrchestratorError, StoreError: it gave none.
        """
        assert self.job is not None  # noqa: S101 - `begin` is the only way to make one
        return self.job.future.result()

    def sentence(self) -> str:
        """What is happening now, and for how long."""
        attempts = [event for event in self.events if isinstance(event, AttemptStarted)]
        failures = [event for event in self.events if isinstance(event, AttemptFailed)]
        waited = f"{time.monotonic() - self.started:.0f} s"
        if not attempts:
            return f"Getting ready ... {waited}"
        asked = named(attempts[-1].model).label
        if not failures:
            return f"Asking {asked} ... {waited}"
        return f"{named(attempts[0].model).label} did not deliver ({failures[0].reason}); asking {asked} ... {waited}"

    def steps(self) -> list[dict[str, Any]]:
        """The steps of the latest attempt that have arrived so far."""
        steps = [event for event in self.events if isinstance(event, StepAccepted)]
        latest = max((event.number for event in steps), default=0)
        return [event.step for event in steps if event.number == latest]

    @staticmethod
    def document(result: WorkflowGenerationResult) -> str:
        """A result as JSON text."""
        return exact_json(result.as_json())
