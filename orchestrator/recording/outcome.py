"""How a generation ended: its status, its result if there is one, and the events and texts to record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from orchestrator.attempt import Attempt, FallbackReason
from orchestrator.generation.model_call import Report
from orchestrator.models import pricing
from orchestrator.recording import audit
from orchestrator.recording.audit import Cause, Circumstances, Event
from orchestrator.result import WorkflowGenerationResult

Status = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one generation ended.

    Attributes:
        reports: one per model that was asked, in order.
        events: what goes into the audit log, all at once.
    """

    status: Status
    reports: tuple[Report, ...]
    result: WorkflowGenerationResult | None
    events: tuple[Event, ...]
    finished_at: datetime

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempt of every model that was asked."""
        return tuple(report.attempt for report in self.reports)

    @property
    def findings(self) -> list[dict[str, Any]]:
        """All findings of validation, each with the number of its attempt."""
        return [
            {"attempt": number, **finding.as_json()}
            for number, report in enumerate(self.reports)
            for finding in report.verdict.findings
        ]

    @property
    def rejected_outputs(self) -> list[dict[str, Any]]:
        """The models' answers that validation rejected."""
        return [
            {"attempt": number, "text": report.rejected_output}
            for number, report in enumerate(self.reports)
            if report.rejected_output is not None
        ]


def outcome_of(
    run: Circumstances, reports: Sequence[Report], *, stopped: Cause | None, duration_ms: int, at: datetime
) -> Outcome:
    """How a generation with these reports ended; a workflow that was already complete when it was stopped is a success.

    Args:
        stopped: why the generation was stopped early; None if it was not.
    """
    attempts = tuple(report.attempt for report in reports)
    result = _result(run, reports, duration_ms, at)
    events = [audit.fallback(run, reports[0], attempts[1].model, at)] if len(reports) > 1 else []
    if result:
        status: Status = "succeeded"
        events.append(audit.generated(run, result, at))
    elif stopped:
        status = "cancelled"
        events.append(audit.cancelled(run, attempts, stopped, at))
    else:
        status = "failed"
        events.append(audit.failed(run, attempts, duration_ms, at))
    return Outcome(status, tuple(reports), result, tuple(events), at)


def events_if_interrupted(run: Circumstances, attempts: Sequence[Attempt], at: datetime) -> list[Event]:
    """The events to append if the process dies while these attempts are done or under way."""
    asked_again = [audit.fallback(run, attempts[0], attempts[1].model, at)] if len(attempts) > 1 else []
    return [*asked_again, audit.cancelled(run, tuple(attempts), "interrupted", at)]


def _result(
    run: Circumstances, reports: Sequence[Report], duration_ms: int, at: datetime
) -> WorkflowGenerationResult | None:
    if not reports or reports[-1].attempt.outcome != "succeeded":
        return None
    attempts, winner = tuple(report.attempt for report in reports), reports[-1]
    return WorkflowGenerationResult(
        pilot_steps=winner.verdict.steps,
        generator_used=winner.attempt.model,
        validation_passed=True,
        generation_time_ms=duration_ms,
        tokens=winner.attempt.tokens,
        fallback_reason=cast(FallbackReason, attempts[0].outcome) if len(attempts) > 1 else None,
        generation_id=run.generation_id,
        agent_id=run.request.agent_id,
        api_model=winner.attempt.api_model,
        attempts=attempts,
        baseline_cost_usd=pricing.baseline(winner.attempt.tokens, at),
        findings=winner.verdict.findings,
        config_version=run.config_version,
        prompt_version=run.prompt_version,
        simulated=run.simulated,
    )
