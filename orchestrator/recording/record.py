"""How a generation ended: its status, its result if there is one, and the events and texts to record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from orchestrator.attempt import Attempt, AttemptResult, FallbackReason
from orchestrator.models import pricing
from orchestrator.recording import audit
from orchestrator.recording.audit import Cause, Context, Event
from orchestrator.result import WorkflowGenerationResult

Status = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Record:
    """How one generation ended.

    Attributes:
        results: one per model that was asked, in order.
        events: what goes into the audit log, all at once.
    """

    status: Status
    results: tuple[AttemptResult, ...]
    result: WorkflowGenerationResult | None
    events: tuple[Event, ...]
    finished_at: datetime

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempt of every model that was asked."""
        return tuple(result.attempt for result in self.results)

    @property
    def findings(self) -> list[dict[str, Any]]:
        """All findings of validation, each with the number of its attempt."""
        return [
            {"attempt": number, **finding.as_json()}
            for number, result in enumerate(self.results)
            for finding in result.reply.findings
        ]

    @property
    def rejected_outputs(self) -> list[dict[str, Any]]:
        """The models' answers that validation rejected."""
        return [
            {"attempt": number, "text": result.rejected_output}
            for number, result in enumerate(self.results)
            if result.rejected_output is not None
        ]


def record_of(
    context: Context, results: Sequence[AttemptResult], *, stopped: Cause | None, duration_ms: int, at: datetime
) -> Record:
    """How a generation with these results ended; a workflow that was already complete when it was stopped is a success.

    Args:
        stopped: why the generation was stopped early; None if it was not.
    """
    attempts = tuple(result.attempt for result in results)
    result = _result(context, results, duration_ms, at)
    events = [audit.fallback(context, results[0], attempts[1].model, at)] if len(results) > 1 else []
    if result:
        status: Status = "succeeded"
        events.append(audit.generated(context, result, at))
    elif stopped:
        status = "cancelled"
        events.append(audit.cancelled(context, attempts, stopped, at))
    else:
        status = "failed"
        events.append(audit.failed(context, attempts, duration_ms, at))
    return Record(status, tuple(results), result, tuple(events), at)


def events_if_interrupted(context: Context, attempts: Sequence[Attempt], at: datetime) -> list[Event]:
    """The events to append if the process dies while these attempts are done or under way."""
    asked_again = [audit.fallback(context, attempts[0], attempts[1].model, at)] if len(attempts) > 1 else []
    return [*asked_again, audit.cancelled(context, tuple(attempts), "interrupted", at)]


def _result(
    context: Context, results: Sequence[AttemptResult], duration_ms: int, at: datetime
) -> WorkflowGenerationResult | None:
    if not results or results[-1].attempt.outcome != "succeeded":
        return None
    attempts, winner = tuple(result.attempt for result in results), results[-1]
    return WorkflowGenerationResult(
        pilot_steps=winner.reply.steps,
        generator_used=winner.attempt.model,
        validation_passed=True,
        generation_time_ms=duration_ms,
        tokens=winner.attempt.tokens,
        fallback_reason=cast(FallbackReason, attempts[0].outcome) if len(attempts) > 1 else None,
        generation_id=context.generation_id,
        agent_id=context.request.agent_id,
        api_model=winner.attempt.api_model,
        attempts=attempts,
        baseline_cost_usd=pricing.baseline(winner.attempt.tokens, at),
        findings=winner.reply.findings,
        config_version=context.config_version,
        prompt_version=context.prompt_version,
        simulated=context.simulated,
    )
