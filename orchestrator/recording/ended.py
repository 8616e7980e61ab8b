"""How a generation ended, said again from its stored row: the same result, or the same error."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from orchestrator.attempt import Attempt, FallbackReason, Outcome
from orchestrator.errors import GenerationCancelled, GenerationFailed, OrchestratorError
from orchestrator.models.catalogue import named
from orchestrator.models.tokens import Tokens
from orchestrator.result import WorkflowGenerationResult
from orchestrator.workflow.steps import Finding, FindingClass
from store import Json, understood

_CLOSED = (
    "This generation was closed as interrupted while its process was suspended, so no further model was asked; "
    "start it again."
)
_INTERRUPTED = "The process that generated this died before the end; what it had spent is recorded. Start it again."


class _Tokens(BaseModel):
    input: int
    cached_input: int = 0
    cache_write_input: int = 0
    output: int
    cache_write_1h_input: int = 0


class _Attempt(BaseModel):
    model: str
    api_model: str
    outcome: Outcome
    detail: str
    tokens: _Tokens
    tokens_estimated: bool
    cost_usd: Decimal | None
    duration_ms: int
    rejected_for: FindingClass | None = None
    finding_codes: tuple[str, ...] = ()
    service_tier: str | None = None

    def restored(self) -> Attempt:
        fields = dict(self)
        return Attempt(**fields | {"tokens": Tokens(**dict(self.tokens))})


class _Figures(BaseModel):
    api_model: str | None = None
    generation_time_ms: int | None = None
    fallback_reason: FallbackReason | None = None
    baseline_cost_usd: Decimal | None = None


class StoredGeneration(BaseModel):
    """The row of a generation, as `get_workflow` returns it.

    Attributes:
        erased_at: when its texts were erased; None if they are there.
    """

    generation_id: UUID
    agent_id: str
    prompt: str
    services: tuple[str, ...]
    status: Literal["running", "succeeded", "failed", "cancelled", "interrupted"]
    erased_at: str | None
    pilot_steps: tuple[dict[str, Any], ...] | None
    findings: list[dict[str, Any]]
    attempts: tuple[_Attempt, ...]
    generator_used: str | None
    figures: _Figures
    config_version: int | None
    prompt_version: int | None
    simulated: bool

    def result(self) -> WorkflowGenerationResult:
        """The result, equal to the one that the generation gave.

        Raises:
            GenerationFailed, GenerationCancelled: it ended without a workflow.
        """
        attempts = tuple(attempt.restored() for attempt in self.attempts)
        if self.status != "succeeded" or self.pilot_steps is None or self.generator_used is None:
            raise without_workflow(self.status, attempts, self.generation_id)
        return WorkflowGenerationResult(
            pilot_steps=self.pilot_steps,
            generator_used=self.generator_used,
            validation_passed=True,
            generation_time_ms=self.figures.generation_time_ms or 0,
            tokens=attempts[-1].tokens,
            fallback_reason=self.figures.fallback_reason,
            generation_id=self.generation_id,
            agent_id=self.agent_id,
            api_model=self.figures.api_model or attempts[-1].api_model,
            attempts=attempts,
            baseline_cost_usd=self.figures.baseline_cost_usd,
            findings=self._findings(len(attempts) - 1),
            config_version=self.config_version or 0,
            prompt_version=self.prompt_version or 0,
            simulated=self.simulated,
        )

    def _findings(self, attempt: int) -> tuple[Finding, ...]:
        return tuple(
            Finding(found["path"], found["code"], found["message"], found["class"], found["severity"] == "error")
            for found in self.findings
            if found["attempt"] == attempt
        )


def stored_generation(answer: Json) -> StoredGeneration | None:
    """The row in an answer of `get_workflow`; None if there is none, or the caller may not see it."""
    return None if answer is None else understood(StoredGeneration, answer)


def without_workflow(
    status: str, attempts: tuple[Attempt, ...], generation_id: UUID, *, closed: bool = False
) -> OrchestratorError:
    """The error for a generation that ended without a workflow.

    Args:
        status: failed, cancelled or interrupted.
        closed: whether it was closed as interrupted while its process was suspended.
    """
    if status == "failed":
        return GenerationFailed(_failure_sentence(attempts), attempts, generation_id)
    sentence = _CLOSED if closed else _INTERRUPTED if status == "interrupted" else "The generation was cancelled."
    return GenerationCancelled(sentence, attempts, generation_id)


def _failure_sentence(attempts: tuple[Attempt, ...]) -> str:
    parts = [f"{named(attempt.model).label}, {attempt.outcome} ({attempt.detail})" for attempt in attempts]
    return f"No model returned a valid workflow: {'; '.join(parts).replace('_', ' ')}."
