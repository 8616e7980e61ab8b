"""What the playground shows of a generation, be it recorded or known to this process only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from orchestrator import GenerationOptions, WorkflowGenerationResult
from orchestrator.attempt import Attempt
from orchestrator.request import WorkflowRequest
from queries.records.stored import Options, StoredGeneration


@dataclass(frozen=True, slots=True)
class AttemptDetails:
    """One attempt; `cost_usd` is None for an unknown price."""

    model: str
    api_model: str
    outcome: str
    detail: str
    tokens: int
    tokens_estimated: bool
    cost_usd: Decimal | None
    duration_ms: int


@dataclass(frozen=True, slots=True)
class FindingDetails:
    """What validation found in one attempt's reply; `severity` is error or warning."""

    attempt: int
    path: str
    message: str
    severity: str


@dataclass(frozen=True, slots=True)
class GenerationDetails:
    """One generation.

    Attributes:
        status: running, succeeded, failed, cancelled or interrupted.
        pilot_steps: empty if there is no workflow.
        rejected: the rejected reply of each attempt that has one, by the attempt's number.
        cost_usd: all attempts; None while running.
        duration_ms: None if no model was asked, or while running.
        erased_at: when its texts were erased; None if they are there.
    """

    generation_id: UUID
    prompt: str
    services: tuple[str, ...]
    agent_id: str | None
    status: str
    pilot_steps: tuple[dict[str, Any], ...]
    findings: tuple[FindingDetails, ...]
    rejected: Mapping[int, str]
    attempts: tuple[AttemptDetails, ...]
    generator_used: str | None
    cost_usd: Decimal | None
    baseline_cost_usd: Decimal | None
    savings_usd: Decimal | None
    savings_pct: Decimal | None
    duration_ms: int | None
    simulated: bool
    overridden: bool
    options: Options
    sample: bool
    started_at: datetime
    erased_at: datetime | None = None


def recorded(stored: StoredGeneration) -> GenerationDetails:
    """The details of a generation as the database knows it."""
    return GenerationDetails(
        generation_id=stored.generation_id,
        prompt=stored.prompt,
        services=tuple(stored.services),
        agent_id=stored.agent_id,
        status=stored.status,
        pilot_steps=() if stored.erased_at else tuple(stored.pilot_steps or ()),
        findings=tuple(
            FindingDetails(finding.attempt, finding.path, finding.message, finding.severity)
            for finding in stored.findings
        ),
        rejected={rejected.attempt: rejected.text for rejected in stored.rejected_outputs},
        attempts=tuple(
            AttemptDetails(
                attempt.model,
                attempt.api_model,
                attempt.outcome,
                attempt.detail,
                attempt.tokens["total"],
                attempt.tokens_estimated,
                attempt.cost_usd,
                attempt.duration_ms,
            )
            for attempt in stored.attempts
        ),
        generator_used=stored.generator_used,
        cost_usd=stored.cost_usd,
        baseline_cost_usd=stored.figures.baseline_cost_usd,
        savings_usd=stored.figures.savings_usd,
        savings_pct=stored.figures.savings_pct,
        duration_ms=stored.duration_ms,
        simulated=stored.simulated,
        overridden=stored.overridden,
        options=stored.options,
        sample=stored.sample,
        started_at=stored.started_at,
        erased_at=stored.erased_at,
    )


def unrecorded(
    result: WorkflowGenerationResult, request: WorkflowRequest, options: GenerationOptions, started_at: datetime
) -> GenerationDetails:
    """The details of a workflow that this process generated and that is not recorded yet."""
    accepted = len(result.attempts) - 1
    return GenerationDetails(
        generation_id=result.generation_id,
        prompt=request.prompt,
        services=tuple(request.services),
        agent_id=result.agent_id,
        status="succeeded",
        pilot_steps=result.pilot_steps,
        findings=tuple(
            FindingDetails(accepted, finding.path, finding.message, finding.severity) for finding in result.findings
        ),
        rejected={},
        attempts=tuple(map(_made, result.attempts)),
        generator_used=result.generator_used,
        cost_usd=result.cost_usd,
        baseline_cost_usd=result.baseline_cost_usd,
        savings_usd=result.savings_usd,
        savings_pct=result.savings_pct,
        duration_ms=result.generation_time_ms,
        simulated=result.simulated,
        overridden=options.overrides is not None,
        options=Options.model_validate(options.chosen()),
        sample=False,
        started_at=started_at,
    )


def _made(attempt: Attempt) -> AttemptDetails:
    return AttemptDetails(
        attempt.model,
        attempt.api_model,
        attempt.outcome,
        attempt.detail,
        attempt.tokens.total,
        attempt.tokens_estimated,
        attempt.cost_usd,
        attempt.duration_ms,
    )
