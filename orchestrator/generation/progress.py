"""The progress of a generation, in this order, one sequence per attempt."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.attempt import Attempt, FallbackReason
from orchestrator.result import WorkflowGenerationResult
from orchestrator.workflow.steps import Step


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A model is being asked.

    Attributes:
        number: 0 for the primary, 1 for the fallback.
        model: logical name.
        limit_s: its time limit in seconds.
    """

    number: int
    model: str
    api_model: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class StepAccepted:
    """A step that matches the schema has arrived. It is kept only if the whole reply validates."""

    number: int
    index: int
    step: Step


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt failed.

    Attributes:
        attempt: its figures; None while the rest of a rejected reply is still being read for its exact cost.
    """

    number: int
    reason: FallbackReason
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class Finished:
    """The workflow is validated and recorded. A generation without a workflow ends with an exception instead."""

    result: WorkflowGenerationResult


Progress = AttemptStarted | StepAccepted | AttemptFailed | Finished
