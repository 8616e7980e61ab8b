"""One generation: the models in their order, each asked once, and the outcome booked, whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from orchestrator import audit, pricing
from orchestrator.attempt import Attempt, FallbackReason
from orchestrator.audit import Circumstances, Event
from orchestrator.background import all_done, on_daemon_thread, to_its_end
from orchestrator.errors import GenerationCancelled, GenerationFailed, RecordingFailed
from orchestrator.events import AttemptFailed, AttemptStarted, GenerationEvent, StepAccepted
from orchestrator.lineup import Contender
from orchestrator.model_call import ModelCall, Report
from orchestrator.prompts import SYSTEM_PROMPT, user_message
from orchestrator.providers import ModelRequest
from orchestrator.recorder import Recorder, Status
from orchestrator.result import WorkflowGenerationResult
from orchestrator.schema import workflow_schema
from orchestrator.workflow import Step

# Importing an SDK keeps the processor busy for seconds: not while the first request is being sent.
_HEAD_START_S = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of wall clock for an attempt with a fallback behind it, and for the last one."""

    attempt_s: float = 30.0
    last_attempt_s: float = 90.0


@dataclass
class Generation:
    """A run that has been lined up.

    Attributes:
        emit: called on the event loop with every event but the last.
        headers: extra HTTP headers for the first model, for the simulator's instructions.
    """

    run: Circumstances
    lineup: tuple[Contender, ...]
    recorder: Recorder
    limits: Limits
    now: Callable[[], datetime]
    emit: Callable[[GenerationEvent], None]
    headers: dict[str, str] = field(default_factory=dict)
    _calls: list[ModelCall] = field(default_factory=list, init=False)
    _tasks: list[asyncio.Task[Report]] = field(default_factory=list, init=False)
    _started: float = field(default=0.0, init=False)

    async def result(self) -> WorkflowGenerationResult:
        """Run it to its end.

        Raises:
            GenerationFailed: no model gave a valid workflow.
            GenerationCancelled: the task was cancelled; what was spent is booked.
            RecordingFailed: the outcome could not be kept anywhere.
            StoreError: the start could not be noted, so that nothing was asked.
        """
        # Before the clock starts: prices and an SDK take seconds to import.
        await asyncio.to_thread(pricing.warm)
        await self._warmed(0)
        self._calls.append(self._call(0))
        limit_s = sum(self._limit_s(number) for number in range(len(self.lineup)))
        try:
            await to_its_end(asyncio.to_thread(self.recorder.start, self.run, limit_s, self._if_interrupted()))
            await self._ask()
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
        await all_done(self._tasks)
        return await self._book([task.result() for task in self._tasks])

    async def _ask(self) -> None:
        self._started = time.monotonic()
        warming = asyncio.create_task(self._warm_the_others())
        try:
            await self._settled(0, self._begin(0))
            for number in range(1, len(self.lineup)):
                if _succeeded(self._tasks[-1]):
                    break
                await self._warmed(number)
                self._calls.append(self._call(number))
                task = self._begin(number)
                await asyncio.to_thread(self.recorder.progress, self.run, self._if_interrupted())
                await self._settled(number, task)
        finally:
            warming.cancel()
        await asyncio.wait(self._tasks)

    def _begin(self, number: int) -> asyncio.Task[Report]:
        call = self._calls[number]
        answering = call.request.model
        self.emit(AttemptStarted(number, call.model.name, answering.api_model, call.request.limit_s))
        arrived = iter(range(10**9))

        def accept(step: Step) -> None:
            self.emit(StepAccepted(number, next(arrived), step))

        task = asyncio.create_task(call.run(accept))
        self._tasks.append(task)
        return task

    async def _settled(self, number: int, task: asyncio.Task[Report]) -> None:
        """Wait until an attempt has ended or can no longer succeed, and tell when it failed."""
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

    async def _book(self, reports: list[Report]) -> WorkflowGenerationResult:
        attempts = tuple(report.attempt for report in reports)
        at, duration_ms = self.now(), self._duration_ms()
        result = self._accepted(reports, attempts, duration_ms, at)
        events = self._fallback_event(reports, at)
        if result:
            status: Status = "succeeded"
            events.append(audit.generated(self.run, result, at))
        elif not attempts or attempts[-1].outcome == "cancelled":
            status = "cancelled"
            events.append(audit.cancelled(self.run, attempts, "cancelled", at))
        else:
            status = "failed"
            events.append(audit.failed(self.run, attempts, duration_ms, at))
        await self._record(status, reports, attempts, events, result)
        if result:
            return result
        if status == "cancelled":
            raise GenerationCancelled("The generation was cancelled.", attempts, self.run.generation_id)
        raise GenerationFailed(_failure_sentence(attempts), attempts, self.run.generation_id)

    async def _record(
        self,
        status: Status,
        reports: list[Report],
        attempts: tuple[Attempt, ...],
        events: list[Event],
        result: WorkflowGenerationResult | None,
    ) -> None:
        def finish() -> None:
            self.recorder.finish(
                self.run,
                status,
                attempts,
                events,
                result=result,
                findings=[
                    {"attempt": number, **finding.as_json()}
                    for number, report in enumerate(reports)
                    for finding in report.verdict.findings
                ],
                rejected_outputs=[
                    {"attempt": number, "text": report.rejected_output}
                    for number, report in enumerate(reports)
                    if report.rejected_output is not None
                ],
            )

        try:
            await to_its_end(asyncio.to_thread(finish))
        except asyncio.CancelledError:
            # Cancelled while it was being booked: the outcome stands.
            return
        except OSError as error:
            raise RecordingFailed(
                "The outcome could be kept neither in the database nor on the disk; free some space and check both.",
                attempts,
                self.run.generation_id,
                result,
            ) from error

    def _accepted(
        self, reports: list[Report], attempts: tuple[Attempt, ...], duration_ms: int, at: datetime
    ) -> WorkflowGenerationResult | None:
        if not reports or attempts[-1].outcome != "succeeded":
            return None
        winner, attempt = reports[-1], attempts[-1]
        return WorkflowGenerationResult(
            pilot_steps=winner.verdict.steps,
            generator_used=attempt.model,
            validation_passed=True,
            generation_time_ms=duration_ms,
            tokens=attempt.tokens,
            fallback_reason=cast(FallbackReason, attempts[0].outcome) if len(attempts) > 1 else None,
            generation_id=self.run.generation_id,
            agent_id=self.run.request.agent_id,
            api_model=attempt.api_model,
            attempts=attempts,
            baseline_cost_usd=pricing.baseline(attempt.tokens, at),
            findings=winner.verdict.findings,
            config_version=self.run.config_version,
            prompt_version=self.run.prompt_version,
            simulated=self.run.simulated,
        )

    def _fallback_event(self, reports: list[Report], at: datetime) -> list[Event]:
        if len(reports) < 2:
            return []
        return [audit.fallback(self.run, reports[0], self.lineup[1].model.name, at)]

    def _if_interrupted(self) -> list[Event]:
        """The events to append should this process die now."""
        at = self.now()
        attempts = tuple(
            task.result().attempt if task.done() else call.if_it_ended_now()
            for call, task in zip(self._calls, self._tasks, strict=False)
        )
        pending = tuple(call.if_it_ended_now() for call in self._calls[len(self._tasks) :])
        attempts += pending
        asked_again = [audit.fallback(self.run, attempts[0], attempts[1].model, at)] if len(attempts) > 1 else []
        return [*asked_again, audit.cancelled(self.run, attempts, "interrupted", at)]

    def _call(self, number: int) -> ModelCall:
        contender = self.lineup[number]
        request = ModelRequest(
            model=contender.answering,
            system=SYSTEM_PROMPT,
            user=user_message(self.run.request.prompt, self.run.request.services),
            schema=workflow_schema(),
            limit_s=self._limit_s(number),
            headers=self.headers if number == 0 else {},
        )
        return ModelCall(contender.model, contender.provider, request, self.run.request.services, self.now)

    def _limit_s(self, number: int) -> float:
        return self.limits.last_attempt_s if number == len(self.lineup) - 1 else self.limits.attempt_s

    async def _warm_the_others(self) -> None:
        """Make the fallback's SDK ready while the first model thinks, so that the fallback can start at once."""
        await asyncio.sleep(_HEAD_START_S)
        for number in range(1, len(self.lineup)):
            await self._warmed(number)

    async def _warmed(self, number: int) -> None:
        await on_daemon_thread(self.lineup[number].provider.warm)

    def _duration_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000) if self._started else 0


def _succeeded(task: asyncio.Task[Report]) -> bool:
    return task.done() and task.result().attempt.outcome == "succeeded"


def _failure_sentence(attempts: tuple[Attempt, ...]) -> str:
    parts = [f"{attempt.model} ended in {attempt.outcome} ({attempt.detail})" for attempt in attempts]
    return f"No model gave a valid workflow: {'; '.join(parts)}."
