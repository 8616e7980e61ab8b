"""Books what generations do: their start, their progress, their outcome. Nothing that was paid for goes unbooked."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from orchestrator.errors import RecordingFailed
from orchestrator.recording.audit import Circumstances, Event
from orchestrator.recording.delivery import Delivery
from orchestrator.recording.outbox import Outbox, OutboxState
from orchestrator.recording.outcome import Outcome
from orchestrator.result import WorkflowGenerationResult
from orchestrator.workflow.characters import storable
from store import Database, StoreError, Unavailable, exact_json

log = logging.getLogger(__name__)

# How long after its last attempt's limit a run may take to book itself before it counts as interrupted.
GRACE_S = 15

Progress = Literal["noted", "closed", "nowhere"]

_NEVER_BEGUN = exact_json({"status": "cancelled", "events": []})
"""The outcome of a run that asked nobody, of which the audit log has nothing to tell."""

_NO_PLACE = (
    "The generation's record could be saved neither in the database nor on disk. This program keeps trying for as long "
    "as it runs: free up disk space and check both."
)


class Recorder:
    """The orchestrator's own view of the database. Its methods block; call them off the event loop."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._delivery = Delivery(database, outbox)

    def start(self, run: Circumstances, limit_s: float, events_if_interrupted: list[Event]) -> None:
        """Note that a run begins, before anything is spent.

        What waits in the outbox is delivered first: starting closes the runs that are overdue, and those are not.

        Args:
            limit_s: the limits of all its attempts together.
            events_if_interrupted: what to append to the audit log should this process die.

        Raises:
            StoreError: it could not be noted, so the run must not begin.
        """
        self._delivery.deliver()
        request = run.request
        row = {
            "generation_id": run.generation_id,
            "user_id": request.user_id,
            "actor_id": request.actor_id,
            "agent_id": request.agent_id,
            "origin": request.origin,
            "prompt": request.prompt,
            "services": request.services,
            "overridden": run.overridden,
            "simulated": run.simulated,
            "config_version": run.config_version,
            "prompt_version": run.prompt_version,
            "replaces_generation_id": run.replaces_generation_id,
            "events_if_interrupted": events_if_interrupted,
        }
        try:
            self._database.call("start_generation", p_run=exact_json(row), p_limit_s=int(limit_s) + GRACE_S)
        except Unavailable:
            self._withdraw(run.generation_id)
            raise

    def _withdraw(self, generation_id: UUID) -> None:
        """See that a start whose answer was lost is not taken for a run that died after asking a model."""
        try:
            self._delivery.keep(generation_id, "outcome", _NEVER_BEGUN)
        except OSError as error:
            log.warning("Generation %s never began, which could not be kept: %s", generation_id, error.strerror)

    def progress(self, run: Circumstances, events_if_interrupted: list[Event]) -> Progress:
        """Note what would have to be recorded should this process die from here on, before anything more is spent.

        Returns:
            `noted`, in the database or else on the disk; `closed` where somebody took the run for dead meanwhile;
            `nowhere` where neither would take it. Only after `noted` may another model be asked.
        """
        text = exact_json(events_if_interrupted)
        try:
            status = self._delivery.send(run.generation_id, "progress", text)
        except StoreError as error:
            log.warning("The progress of generation %s could not be noted: %s", run.generation_id, error)
        else:
            return "noted" if status == "running" else "closed"
        try:
            self._delivery.keep(run.generation_id, "progress", text)
        except OSError as error:
            log.warning("Nor could it be kept: %s", error.strerror)
            return "nowhere"
        return "noted"

    def finish(self, run: Circumstances, outcome: Outcome) -> None:
        """Record an outcome, in the database or else in the outbox.

        Raises:
            RecordingFailed: neither would take it; the error carries the result, and this process goes on trying.
        """
        text = exact_json(_row(outcome))
        try:
            self._delivery.send(run.generation_id, "outcome", text)
        except Exception as error:  # noqa: BLE001 - whatever kept it from the database, an outcome goes to the disk
            try:
                self._delivery.keep(run.generation_id, "outcome", text)
            except OSError as full:
                raise RecordingFailed(_NO_PLACE, outcome.attempts, run.generation_id, outcome.result) from full
            log.warning("Generation %s waits in the outbox, since: %s", run.generation_id, error)
        self._delivery.forget(run.generation_id, "progress")

    def catch_up(self) -> None:
        """Deliver what waits in the outbox, then close runs whose process died; what does not work is logged."""
        self._delivery.deliver()
        try:
            self._database.call("close_interrupted_generations")
        except StoreError as error:
            log.warning("Interrupted runs could not be looked for: %s", error)

    def outbox(self) -> OutboxState:
        """What waits for the database, and what it will never take."""
        return self._delivery.state()

    def close(self) -> None:
        """Stop delivering in the background."""
        self._delivery.close()


def _row(outcome: Outcome) -> dict[str, Any]:
    result = outcome.result
    return {
        "status": outcome.status,
        "generator_used": result.generator_used if result else None,
        "pilot_steps": list(result.pilot_steps) if result else None,
        "findings": outcome.findings,
        "rejected_outputs": [rejected | {"text": storable(rejected["text"])} for rejected in outcome.rejected_outputs],
        "figures": _figures(result) if result else {},
        "finished_at": outcome.finished_at,
        "events": outcome.events,
    }


def _figures(result: WorkflowGenerationResult) -> dict[str, Any]:
    """What people look up later; money as text, since it is read back through JSON."""
    return {
        "api_model": result.api_model,
        "generation_time_ms": result.generation_time_ms,
        "fallback_reason": result.fallback_reason,
        "baseline_cost_usd": _text(result.baseline_cost_usd),
        "savings_usd": _text(result.savings_usd),
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
