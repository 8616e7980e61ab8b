"""The answer to a request that was made before: that of the first one, once it has ended."""

from __future__ import annotations

import asyncio
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from orchestrator.recording.ended import StoredGeneration, stored_generation
from orchestrator.result import WorkflowGenerationResult
from server.api.callers import ApiCaller
from server.api.errors import Refused
from server.api.order import Order
from store import Database

_WAIT_S = 150.0
"""Longer than a generation can take with the usual limits."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_CLOSE_EVERY_S = 5.0
_IN_PROGRESS = "The first request with this key is still being answered; ask again in a moment."
_REUSED = "This Idempotency-Key was used for another request; choose a new key for each request."
_ERASED = "The texts of this generation were erased."


async def find(caller: ApiCaller, generation_id: UUID) -> StoredGeneration | None:
    """A generation that the caller may read; None if there is none."""
    answer = await run_in_threadpool(caller.database.call, "get_workflow", p_generation_id=str(generation_id))
    return stored_generation(answer)


async def first_result(
    caller: ApiCaller, asked: Order, machine: Database, left: asyncio.Future[None]
) -> WorkflowGenerationResult:
    """The result of the first request with the same key; waits until there is one.

    Args:
        machine: the database as the orchestrator sees it, which closes what died.
        left: done when the caller has gone.

    Raises:
        Refused: the key was used for something else, or the first request takes too long.
        GenerationFailed, GenerationCancelled: it ended without a workflow.
    """
    loop = asyncio.get_running_loop()
    until, close_at, pause_s = loop.time() + _WAIT_S, loop.time() + _CLOSE_EVERY_S, _FIRST_PAUSE_S
    while True:
        found = await find(caller, asked.generation_id) if asked.generation_id else None
        if found is None or not asked.is_repeated_by(found):
            raise Refused(422, "idempotency_key_reused", _REUSED)
        if found.status != "running":
            return ended(found)
        if left.done() or loop.time() > until:
            raise Refused(409, "request_in_progress", _IN_PROGRESS, 5)
        if loop.time() > close_at:
            # The process that had it may have died.
            await run_in_threadpool(machine.call, "close_interrupted_generations")
            close_at = loop.time() + _CLOSE_EVERY_S
        await asyncio.wait([left], timeout=pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def ended(found: StoredGeneration) -> WorkflowGenerationResult:
    """The result of a stored generation that has ended.

    Raises:
        Refused: its texts were erased.
        GenerationFailed, GenerationCancelled: it ended without a workflow.
    """
    if found.erased_at and found.status == "succeeded":
        raise Refused(410, "text_erased", _ERASED)
    return found.result()
