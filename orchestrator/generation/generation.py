"""One generation: asks the models in order, each once, and records the end, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

from orchestrator.attempt import AttemptResult, FallbackReason
from orchestrator.background import all_done, off_the_loop, on_daemon_thread, to_its_end
from orchestrator.generation.lineup import Contender
from orchestrator.generation.model_call import ModelCall
from orchestrator.generation.progress import AttemptFailed, AttemptStarted, Progress, StepAccepted
from orchestrator.generation.prompts import SYSTEM_PROMPT, user_message
from orchestrator.models import pricing
from orchestrator.providers import ModelRequest
from orchestrator.recording.audit import Cause, Context, Event
from orchestrator.recording.ended import without_workflow
from orchestrator.recording.record import events_if_interrupted, record_of
from orchestrator.recording.recorder import Noted, Recorder
from orchestrator.result import WorkflowGenerationResult
from orchestrator.workflow.schema import workflow_schema
from orchestrator.workflow.steps import Step

# Importing an SDK keeps the CPU busy for seconds, so it must not happen while the first request is being sent.
_HEAD_START_S = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Wall-clock limits in seconds for an attempt that still has a fallback, and for the last attempt."""

    attempt_s: float = 30.0
    last_attempt_s: float = 90.0


@dataclass
class Generation:
    """A generation whose models have been chosen.

    Attributes:
        emit: called on the event loop with the progress, all but `Finished`.
        headers: extra HTTP headers for the first model, which carry instructions to the simulator.
    """

    context: Context
    lineup: tuple[Contender, ...]
    recorder: Recorder
    limits: Limits
    now: Callable[[], datetime]
    emit: Callable[[Progress], None]
    headers: Mapping[str, str] = field(default_factory=dict)
    _calls: list[ModelCall] = field(default_factory=list, init=False)
    _tasks: list[asyncio.Task[AttemptResult]] = field(default_factory=list, init=False)
    _started: float = field(default=0.0, init=False)

    async def result(self) -> WorkflowGenerationResult:
        """Generate the workflow.

        Raises:
            GenerationFailed: no model returned a valid workflow.
            GenerationCancelled: the task was cancelled; what was spent is recorded.
            RecordingFailed: the generation's record could not be saved anywhere.
            StoreError: the start could not be recorded, so no model was asked.
        """
        # Before the clock starts: the price list and an SDK take seconds to import.
        await off_the_loop(pricing.warm)
        await self._warmed(0)
        self._calls.append(self._call(0))
        limit_s = sum(self._limit_s(number) for number in range(len(self.lineup)))
        begin = partial(self.recorder.start, self.context, limit_s, self._if_interrupted())
        stopped: Cause | None = None
        try:
            await to_its_end(off_the_loop(begin))
            stopped = await self._ask()
        except asyncio.CancelledError:
            stopped = "cancelled"
            for task in self._tasks:
                task.cancel()
        await all_done(self._tasks)
        return await self._record(stopped)

    async def _ask(self) -> Cause | None:
        """Ask one model after the other; `interrupted` if the generation was closed while this process was asleep."""
        self._started = time.monotonic()
        stopped: Cause | None = None
        warming = asyncio.create_task(self._warm_the_others())
        try:
            await self._settled(0, self._begin(0))
            for number in range(1, len(self.lineup)):
                if _succeeded(self._tasks[-1]):
                    break
                await self._warmed(number)
                self._calls.append(self._call(number))
                noted = await self._noted()
                if noted != "noted":
                    stopped = "interrupted" if noted == "closed" else None
                    break
                await self._settled(number, self._begin(number))
        finally:
            warming.cancel()
        await asyncio.wait(self._tasks)
        return stopped

    async def _noted(self) -> Noted:
        """Record what the next request would cost, before it is sent."""
        return await to_its_end(
            off_the_loop(partial(self.recorder.note_progress, self.context, self._if_interrupted()))
        )

    def _begin(self, number: int) -> asyncio.Task[AttemptResult]:
        call = self._calls[number]
        answering = call.request.model
        self.emit(AttemptStarted(number, call.model.name, answering.api_model, call.request.limit_s))
        arrived = itertools.count()

        def accept(step: Step) -> None:
            self.emit(StepAccepted(number, next(arrived), step))

        task = asyncio.create_task(call.run(accept))
        self._tasks.append(task)
        return task

    async def _settled(self, number: int, task: asyncio.Task[AttemptResult]) -> None:
        """Wait until an attempt has ended or can no longer succeed, and report it if it failed."""
        breach = asyncio.create_task(self._calls[number].breached.wait())
        try:
            await asyncio.wait({task, breach}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            breach.cancel()
        if not task.done():
            self.emit(AttemptFailed(number, "validation_failed", None))
        elif not _succeeded(task):
            attempt = task.result().attempt
            self.emit(AttemptFailed(number, cast(FallbackReason, attempt.outcome), attempt))

    async def _record(self, stopped: Cause | None) -> WorkflowGenerationResult:
        results = [task.result() for task in self._tasks]
        record = record_of(self.context, results, stopped=stopped, duration_ms=self._duration_ms(), at=self.now())
        # A cancellation while recording comes too late to change anything.
        with contextlib.suppress(asyncio.CancelledError):
            await to_its_end(off_the_loop(partial(self.recorder.finish, self.context, record)))
        if record.result:
            return record.result
        raise without_workflow(
            record.status, record.attempts, self.context.generation_id, closed=stopped == "interrupted"
        )

    def _if_interrupted(self) -> list[Event]:
        """The events to append if this process dies now."""
        begun = [
            task.result().attempt if task.done() else call.if_it_ended_now()
            for call, task in zip(self._calls, self._tasks, strict=False)
        ]
        about_to_begin = [call.if_it_ended_now() for call in self._calls[len(self._tasks) :]]
        return events_if_interrupted(self.context, begun + about_to_begin, self.now())

    def _call(self, number: int) -> ModelCall:
        contender = self.lineup[number]
        request = ModelRequest(
            model=contender.answering,
            system=SYSTEM_PROMPT,
            user=user_message(self.context.request.prompt, self.context.request.services),
            schema=workflow_schema(),
            limit_s=self._limit_s(number),
            headers=self.headers if number == 0 else {},
        )
        return ModelCall(contender.model, contender.provider, request, self.context.request.services, self.now)

    def _limit_s(self, number: int) -> float:
        return self.limits.last_attempt_s if number == len(self.lineup) - 1 else self.limits.attempt_s

    async def _warm_the_others(self) -> None:
        """Load the fallback's SDK while the first model is working, so that the fallback can start at once."""
        await asyncio.sleep(_HEAD_START_S)
        for number in range(1, len(self.lineup)):
            await self._warmed(number)

    async def _warmed(self, number: int) -> None:
        # If a client cannot be created, its attempt fails and is recorded; the generation does not end here.
        with contextlib.suppress(Exception):
            await on_daemon_thread(self.lineup[number].provider.warm)

    def _duration_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000) if self._started else 0


def _succeeded(task: asyncio.Task[AttemptResult]) -> bool:
    return task.done() and task.result().attempt.outcome == "succeeded"
