"""A cancelled call is recorded with what it spent, and no other model is asked."""

from __future__ import annotations

import asyncio
import threading

from orchestrator import GenerationCancelled, StepAccepted
from orchestrator.generation.progress import Progress
from orchestrator.request import checked_request
from tests.providers.behaviours import silence, status, text_then
from tests.providers.conftest import Bench, Side, both_sides
from tests.providers.recorded import CANCELLED, FALLBACK
from tests.providers.wire_events import WORKFLOW


@both_sides
def test_cancelling_the_awaiting_task_books_and_asks_nobody_else(bench: Bench, side: Side) -> None:
    """A cancelled task leaves one CANCELLED event with an estimate, and no second call."""
    bench.server.script(side.first, text_then(WORKFLOW[:80], silence))

    async def scene() -> None:
        generate = bench.application.orchestrator.generate_workflow_async
        work = generate(user_id="u", agent_id="a", prompt="Sort.", services=[], options=side.options())
        task = asyncio.create_task(work)
        assert await asyncio.to_thread(bench.server.wait_for, 1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(scene())
    check_cancelled(bench, side)


@both_sides
def test_cancelling_a_job_books_and_asks_nobody_else(bench: Bench, side: Side) -> None:
    """A cancelled job ends in GenerationCancelled with its attempt, one CANCELLED event, and no second call."""
    bench.server.script(side.first, text_then(WORKFLOW[:-20], silence))
    stepped = threading.Event()

    def emit(event: Progress) -> None:
        if isinstance(event, StepAccepted):
            stepped.set()

    request = checked_request(prompt="Sort.", services=[], agent_id="a", user_id="u", origin="api")
    job = bench.application.orchestrator.start(request, side.options(), emit)
    assert stepped.wait(10)
    job.cancel()
    error = job.future.exception(timeout=10)
    assert isinstance(error, GenerationCancelled)
    assert [attempt.outcome for attempt in error.attempts] == ["cancelled"]
    check_cancelled(bench, side)


def check_cancelled(bench: Bench, side: Side) -> None:
    """One call, one event, its tokens estimated and priced."""
    assert bench.calls() == [side.first]
    assert bench.actions() == [CANCELLED]
    details = bench.details(CANCELLED)
    (attempt,) = details["attempts"]
    assert (details["cause"], attempt["outcome"], attempt["tokens_estimated"]) == ("cancelled", "cancelled", True)
    assert attempt["tokens"]["input"] > 500
    assert details["cost_usd"] == details["wasted_cost_usd"] == attempt["cost_usd"] > 0


@both_sides
def test_cancelling_during_the_fallback_keeps_the_first_reason(bench: Bench, side: Side) -> None:
    """The first attempt keeps its reason, the second is cancelled; FALLBACK and CANCELLED are recorded."""
    bench.server.script(side.first, status(500))
    bench.server.script(side.second, silence)
    request = checked_request(prompt="Sort.", services=[], agent_id="a", user_id="u", origin="api")
    job = bench.application.orchestrator.start(request, side.options(), lambda event: None)
    assert bench.server.wait_for(2)
    job.cancel()
    error = job.future.exception(timeout=10)
    assert isinstance(error, GenerationCancelled)
    assert [attempt.outcome for attempt in error.attempts] == ["api_error", "cancelled"]
    assert bench.actions() == [CANCELLED, FALLBACK]
