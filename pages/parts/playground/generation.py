"""Generations running in this process: they continue when a page reruns, is left, or is reloaded."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from streamlit.runtime.scriptrunner import get_script_run_ctx

from orchestrator import (
    Application,
    AttemptFailed,
    AttemptStarted,
    GenerationOptions,
    RecordingFailed,
    StepAccepted,
    WorkflowGenerationResult,
)
from orchestrator.background import Job
from orchestrator.generation.progress import Progress
from orchestrator.models.catalogue import named
from orchestrator.request import WorkflowRequest, checked_request
from pages.parts.frame.lost_press import DOUBLE_CLICK_S
from pages.parts.generation.details import GenerationDetails, unrecorded
from pages.parts.palette import REASON_LABELS
from pages.parts.words import inline
from store import clock

_KEPT = 200
_guard = threading.Lock()
_started: OrderedDict[UUID, StartedGeneration] = OrderedDict()


@dataclass
class StartedGeneration:
    """One generation.

    Attributes:
        events: what has happened so far; appended by the background loop.
        asked: who requested it, and what.
        began: its start as wall-clock time.
    """

    generation_id: UUID
    request: WorkflowRequest
    options: GenerationOptions
    job: Job[WorkflowGenerationResult]
    events: list[Progress]
    asked: Hashable = None
    started: float = field(default_factory=time.monotonic)
    began: datetime = field(default_factory=clock.now)

    @property
    def running(self) -> bool:
        """Whether it is still running."""
        return not self.job.future.done()

    def cancel(self) -> None:
        """Stop it; what it spent is recorded."""
        self.job.cancel()

    def error(self) -> BaseException | None:
        """Why it gave no workflow; None if it gave one. Only once it has ended."""
        return self.job.future.exception()

    def result(self) -> WorkflowGenerationResult | None:
        """The workflow, recorded or not; None if it gave none. Only once it has ended."""
        error = self.error()
        if isinstance(error, RecordingFailed):
            return error.result
        return None if error else self.job.future.result()

    def unrecorded(self) -> GenerationDetails | None:
        """The workflow as this process knows it, before it is recorded; None if the generation gave none."""
        result = self.result()
        if result is None:
            return None
        return unrecorded(result, self.request, self.options, self.began)

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
        reason = inline(REASON_LABELS[failures[0].reason])
        if len(attempts) == len(failures):
            return f"{asked}: {reason}. Recording it ... {waited}"
        return f"{named(attempts[0].model).label}: {reason}. Asking {asked} ... {waited}"

    def steps(self) -> list[dict[str, Any]]:
        """The steps of the latest attempt that have arrived so far."""
        steps = [event for event in self.events if isinstance(event, StepAccepted)]
        latest = max((event.number for event in steps), default=0)
        return [event.step for event in steps if event.number == latest]


def begin(
    application: Application,
    prompt: str,
    services: Sequence[str],
    agent_id: str | None,
    options: GenerationOptions,
    *,
    user_id: str,
) -> StartedGeneration:
    """Start and remember a generation with a new ID; the second click of a double-click starts none.

    Args:
        user_id: who asks.

    Raises:
        InvalidRequest: the request is invalid.
    """
    request = checked_request(prompt=prompt, services=services, agent_id=agent_id, user_id=user_id, origin="playground")
    context = get_script_run_ctx()
    asked = (
        application.orchestrator,
        context.session_id if context else None,
        prompt,
        tuple(services),
        agent_id,
        options,
    )
    # Two clicks run the page twice at the same time.
    with _guard:
        for earlier in reversed(_started.values()):
            if earlier.asked == asked and time.monotonic() - earlier.started < DOUBLE_CLICK_S:
                return earlier
        generation_id, events = uuid4(), list[Progress]()
        chosen = replace(options, generation_id=generation_id)
        job = application.orchestrator.start(request, chosen, events.append)
        begun = StartedGeneration(generation_id, request, chosen, job, events, asked)
        _started[generation_id] = begun
        while len(_started) > _KEPT and not next(iter(_started.values())).running:
            _started.popitem(last=False)
        return begun


def known(generation_id: UUID, user_id: str) -> StartedGeneration | None:
    """The generation with this ID; None if this process did not start it recently, or for somebody else."""
    begun = _started.get(generation_id)
    return begun if begun and begun.request.actor_id == user_id else None
