"""The audit events of a generation: ids and figures, never what people typed or models wrote.

To add an event, add a function here and its action in `private.checked_events`, which also gives it its severity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

from orchestrator.attempt import Attempt, AttemptResult
from orchestrator.models.money import known_cost, unpriced
from orchestrator.request import WorkflowRequest
from orchestrator.result import WorkflowGenerationResult

Action = Literal[
    "WORKFLOW_GENERATED",
    "WORKFLOW_GENERATION_FALLBACK",
    "WORKFLOW_GENERATION_FAILED",
    "WORKFLOW_GENERATION_CANCELLED",
]
Cause = Literal["cancelled", "interrupted"]

Event = dict[str, Any]
"""A row of `audit_logs` by its columns' names."""


@dataclass(frozen=True, slots=True)
class Context:
    """What all events of one generation share.

    Attributes:
        overridden: whether models were chosen for this generation only.
        options: what was chosen for this generation only, by name; kept with the request, not in its events.
        forced_fault: the failure that was requested, None for none; such a failure says nothing about a model.
        replaces_generation_id: the generation that this one regenerates.
    """

    generation_id: UUID
    request: WorkflowRequest
    overridden: bool
    config_version: int
    prompt_version: int
    simulated: bool
    replaces_generation_id: UUID | None = None
    forced_fault: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The fields that every event of the generation carries."""
        fields: dict[str, Any] = {
            "generation_id": self.generation_id,
            "origin": self.request.origin,
            "overridden": self.overridden,
            "config_version": self.config_version,
            "prompt_version": self.prompt_version,
            "simulated": self.simulated,
        }
        if self.forced_fault:
            fields["forced_fault"] = self.forced_fault
        if self.replaces_generation_id:
            fields["replaces_generation_id"] = self.replaces_generation_id
        return fields


def generated(context: Context, result: WorkflowGenerationResult, at: datetime) -> Event:
    """The event for a valid workflow."""
    details: dict[str, Any] = {
        "generator_used": result.generator_used,
        "api_model": result.api_model,
        "steps_generated": len(result.pilot_steps),
        "tokens_used": result.tokens_used,
        "cost_usd": result.cost_usd,
        "generation_time_ms": result.generation_time_ms,
        "validation_passed": result.validation_passed,
        "baseline_cost_usd": result.baseline_cost_usd,
        "savings_usd": result.savings_usd,
        "findings": [finding.as_event() for finding in result.findings],
        "services": len(context.request.services),
    }
    if result.fallback_reason:
        details["fallback_reason"] = result.fallback_reason
    return _event("WORKFLOW_GENERATED", context, _spent(result.attempts, result.wasted_attempts) | details, at)


def fallback(context: Context, rejected: AttemptResult | Attempt, asked_next: str, at: datetime) -> Event:
    """The event for asking a second model, whatever came of that.

    Args:
        rejected: the first model's result; only the attempt while its reply is still being read.
        asked_next: logical name of the second model.
    """
    attempt = rejected if isinstance(rejected, Attempt) else rejected.attempt
    details: dict[str, Any] = {
        "primary_model": attempt.model,
        "fallback_model": asked_next,
        "reason": attempt.outcome,
        "detail": attempt.detail,
        "tokens_wasted": attempt.tokens.total,
        "wasted_cost_usd": attempt.cost_usd,
        "findings": [],
    }
    if isinstance(rejected, AttemptResult):
        details["findings"] = [finding.as_event() for finding in rejected.reply.findings]
        if rejected.rejected_output is not None:
            details["rejected_output"] = _fingerprint(rejected.rejected_output)
    return _event("WORKFLOW_GENERATION_FALLBACK", context, details, at)


def failed(context: Context, attempts: tuple[Attempt, ...], duration_ms: int, at: datetime) -> Event:
    """The event for a generation without a valid workflow."""
    details = {"generation_time_ms": duration_ms, "cost_usd": known_cost(attempts)}
    return _event("WORKFLOW_GENERATION_FAILED", context, details | _spent(attempts, attempts), at)


def cancelled(context: Context, attempts: tuple[Attempt, ...], cause: Cause, at: datetime) -> Event:
    """The event for a generation that was cancelled, or whose process died."""
    details = {"cause": cause, "cost_usd": known_cost(attempts)}
    return _event("WORKFLOW_GENERATION_CANCELLED", context, details | _spent(attempts, attempts), at)


def _spent(attempts: tuple[Attempt, ...], wasted: tuple[Attempt, ...]) -> dict[str, Any]:
    return {
        "attempts": [attempt.as_json() for attempt in attempts],
        "unpriced_attempts": unpriced(attempts),
        "wasted_cost_usd": known_cost(wasted),
        "baseline_cost_usd": None,
    }


def _event(action: Action, context: Context, details: Mapping[str, Any], at: datetime) -> Event:
    request = context.request
    return {
        # The same event has the same id however often it is delivered.
        "id": uuid5(context.generation_id, action),
        "timestamp": at,
        "user_id": request.user_id,
        "actor_id": request.actor_id,
        "action": action,
        "entity_type": "agent",
        "entity_id": request.agent_id,
        "details": {**details, **context.as_json()},
    }


def _fingerprint(text: str) -> dict[str, Any]:
    return {"length": len(text), "sha256": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()}
