"""Records generations: their start, their progress, their end. Nothing that was paid for goes unrecorded."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from orchestrator.errors import RecordingFailed
from orchestrator.recording.audit import Context, Event
from orchestrator.recording.delivery import Delivery
from orchestrator.recording.outbox import Outbox, OutboxState
from orchestrator.recording.record import Record
from orchestrator.result import WorkflowGenerationResult
from orchestrator.workflow.characters import storable
from store import Database, StoreError, Unavailable, exact_json

log = logging.getLogger(__name__)

# How long after the limit of its last attempt a generation may take to record its end before it counts as interrupted.
GRACE_S = 15

Noted = Literal["noted", "closed", "nowhere"]

_NO_PLACE = (
    "The generation's record could be saved neither in the database nor on disk. This program keeps trying for as long "
    "as it runs: free up disk space and check both."
)


class Recorder:
    """The orchestrator's own view of the database. Its methods block; call them off the event loop."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._delivery = Delivery(database, outbox)

    def start(self, context: Context, limit_s: float, events_if_interrupted: list[Event]) -> None:
        """Record that a generation starts, before anything is spent.

        The outbox is delivered first: starting closes overdue generations, and those in the outbox have ended.

        Args:
            limit_s: the sum of the limits of all its attempts.
            events_if_interrupted: what to append to the audit log if this process dies.

        Raises:
            StoreError: it could not be recorded, so the generation must not start.
        """
        self._delivery.deliver()
        request, start_id = context.request, uuid4()
        row = {
            "generation_id": context.generation_id,
            "user_id": request.user_id,
            "actor_id": request.actor_id,
            "agent_id": request.agent_id,
            "origin": request.origin,
            "prompt": request.prompt,
            "services": request.services,
            "overridden": context.overridden,
            "simulated": context.simulated,
            "config_version": context.config_version,
            "prompt_version": context.prompt_version,
            "replaces_generation_id": context.replaces_generation_id,
            "events_if_interrupted": events_if_interrupted,
            "options": dict(context.options),
            "start_id": start_id,
        }
        try:
            self._database.call("start_generation", p_generation=exact_json(row), p_limit_s=int(limit_s) + GRACE_S)
        except Unavailable:
            self._withdraw(context.generation_id, start_id)
            raise

    def _withdraw(self, generation_id: UUID, start_id: UUID) -> None:
        """Make sure that a start whose answer was lost does not count as a process that died after asking a model.

        The record asked no model, so it adds no event. It ends this start only: another host may have started a
        generation with the same id, if its caller chose it.
        """
        never_begun = exact_json({"status": "cancelled", "events": [], "start_id": start_id})
        try:
            self._delivery.keep(generation_id, "outcome", never_begun)
        except OSError as error:
            log.warning("Generation %s never started, which could not be recorded: %s", generation_id, error.strerror)

    def note_progress(self, context: Context, events_if_interrupted: list[Event]) -> Noted:
        """Save what to record if this process dies from here on, before anything more is spent.

        Returns:
            `noted`: saved in the database or else on disk; `closed`: the generation was closed as interrupted in the
            meantime; `nowhere`: it could not be saved. Only after `noted` may another model be asked.
        """
        text = exact_json(events_if_interrupted)
        try:
            status = self._delivery.send(context.generation_id, "progress", text)
        except StoreError as error:
            log.warning("The progress of generation %s could not be recorded: %s", context.generation_id, error)
        else:
            return "noted" if status == "running" else "closed"
        try:
            self._delivery.keep(context.generation_id, "progress", text)
        except OSError as error:
            log.warning("It could not be kept on disk either: %s", error.strerror)
            return "nowhere"
        return "noted"

    def finish(self, context: Context, record: Record) -> None:
        """Record how a generation ended, in the database or else in the outbox.

        Raises:
            RecordingFailed: both failed; the error carries the result, and this process keeps trying.
        """
        text = exact_json(_row(record))
        try:
            self._delivery.send(context.generation_id, "outcome", text)
        except Exception as error:  # noqa: BLE001 - whatever the error, the record goes to disk
            try:
                self._delivery.keep(context.generation_id, "outcome", text)
            except OSError as full:
                raise RecordingFailed(_NO_PLACE, record.attempts, context.generation_id, record.result) from full
            log.warning("Generation %s is waiting in the outbox: %s", context.generation_id, error)
        self._delivery.forget(context.generation_id, "progress")

    def catch_up(self) -> None:
        """Deliver the outbox, then close generations whose process died; failures are logged."""
        self._delivery.deliver()
        try:
            self._database.call("close_interrupted_generations")
        except StoreError as error:
            log.warning("Interrupted generations could not be closed: %s", error)

    def outbox(self) -> OutboxState:
        """How much waits for the database, and how much it will never accept."""
        return self._delivery.state()

    def close(self) -> None:
        """Stop delivering in the background."""
        self._delivery.close()


def _row(record: Record) -> dict[str, Any]:
    result = record.result
    return {
        "status": record.status,
        "generator_used": result.generator_used if result else None,
        "pilot_steps": list(result.pilot_steps) if result else None,
        "findings": record.findings,
        "rejected_outputs": [rejected | {"text": storable(rejected["text"])} for rejected in record.rejected_outputs],
        "figures": _figures(result) if result else {},
        "finished_at": record.finished_at,
        "events": record.events,
    }


def _figures(result: WorkflowGenerationResult) -> dict[str, Any]:
    """The figures to look up later; money as text, because it is read back through JSON."""
    return {
        "api_model": result.api_model,
        "generation_time_ms": result.generation_time_ms,
        "fallback_reason": result.fallback_reason,
        "baseline_cost_usd": _text(result.baseline_cost_usd),
        "savings_usd": _text(result.savings_usd),
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
