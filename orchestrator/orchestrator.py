"""The orchestrator: a process in words goes in, an audited workflow comes out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast
from uuid import UUID, uuid4

from orchestrator.background import BackgroundLoop, Job, off_the_loop, to_its_end
from orchestrator.errors import GenerationCancelled, OrchestratorError
from orchestrator.generation.generation import Generation, Limits
from orchestrator.generation.lineup import Overrides, line_up, missing_key
from orchestrator.generation.progress import Finished, GenerationEvent
from orchestrator.generation.prompts import PROMPT_VERSION
from orchestrator.models import pricing
from orchestrator.models.catalogue import Model, ProviderName
from orchestrator.providers import Provider
from orchestrator.recording.audit import Circumstances
from orchestrator.recording.outbox import OutboxState
from orchestrator.recording.recorder import Recorder
from orchestrator.request import Origin, WorkflowRequest, checked_request
from orchestrator.result import WorkflowGenerationResult
from orchestrator.settings import read_settings
from orchestrator.simulator.faults import FAULT_HEADER, Fault
from store import Database, StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How one run differs from any other.

    Attributes:
        generation_id: chosen by the caller, who can then find the run before it has ended; None for a new one.
        overrides: other models for this run only; it is then left out of targets and counted as such.
        replaces_generation_id: the run that this one is asked for again.
        primary_fault: lets the first model fail in this way; only the simulator obeys.
    """

    origin: Origin = "api"
    generation_id: UUID | None = None
    overrides: Overrides | None = None
    replaces_generation_id: UUID | None = None
    primary_fault: Fault | None = None


class WorkflowOrchestrator:
    """Asks the primary model, validates, and asks the fallback for one of four reasons.

    Make one per process with `orchestrator.bootstrap`; it may be used from any thread and any event loop.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        providers: Mapping[ProviderName, Provider],
        simulated: bool,
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._providers = providers
        self._simulated = simulated
        self._limits = limits
        self._now = now
        self._background = BackgroundLoop()

    def generate_workflow(
        self,
        *,
        user_id: str | UUID,
        agent_id: str | None,
        prompt: str,
        services: Sequence[str],
        options: RunOptions = RunOptions(),
    ) -> WorkflowGenerationResult:
        """A validated workflow, waited for; also from inside a running event loop. Ctrl-C cancels it.

        Args:
            user_id: who asks.
            agent_id: the agent that the workflow is for; None for a new one.
            prompt: the process in words.
            services: names of the connected services; none is fine.

        Raises:
            InvalidRequest, InvalidSettings, ModelNotConfigured: nothing was asked or spent.
            GenerationFailed: no model gave a valid workflow.
            GenerationCancelled: interrupted from the keyboard.
            RecordingFailed: there is an outcome, which the error carries, but no place would keep it.
            StoreError: the database did not answer, nothing was asked.
        """
        request = checked_request(
            prompt=prompt, services=services, agent_id=agent_id, user_id=user_id, origin=options.origin
        )
        job = self.start(request, options, lambda event: None)
        try:
            return job.future.result()
        except KeyboardInterrupt:
            job.cancel()
            return job.future.result()

    async def generate_workflow_async(
        self,
        *,
        user_id: str | UUID,
        agent_id: str | None,
        prompt: str,
        services: Sequence[str],
        options: RunOptions = RunOptions(),
    ) -> WorkflowGenerationResult:
        """The same, awaited. Cancelling the awaiting task cancels the generation and waits until it is booked."""
        events = self.stream(user_id=user_id, agent_id=agent_id, prompt=prompt, services=services, options=options)
        async with contextlib.aclosing(events):
            told = [event async for event in events]
        return cast(Finished, told[-1]).result

    async def stream(
        self,
        *,
        user_id: str | UUID,
        agent_id: str | None,
        prompt: str,
        services: Sequence[str],
        options: RunOptions = RunOptions(),
    ) -> AsyncGenerator[GenerationEvent]:
        """The same, told while it happens; the last event is `Finished`.

        Leaving the iteration early cancels the generation. Raises what `generate_workflow` raises.
        """
        request = checked_request(
            prompt=prompt, services=services, agent_id=agent_id, user_id=user_id, origin=options.origin
        )
        loop, told = asyncio.get_running_loop(), asyncio.Queue[GenerationEvent | None]()

        def tell(event: GenerationEvent | None) -> None:
            with contextlib.suppress(RuntimeError):  # the listener's loop has been closed: nobody listens any more
                loop.call_soon_threadsafe(told.put_nowait, event)

        job = self.start(request, options, tell)
        job.future.add_done_callback(lambda _: tell(None))
        try:
            while (event := await told.get()) is not None:
                yield event
            yield Finished(job.future.result())
        finally:
            if not job.future.done():
                job.cancel()
                with contextlib.suppress(OrchestratorError, StoreError):
                    await to_its_end(asyncio.wrap_future(job.future))

    def start(
        self,
        request: WorkflowRequest,
        options: RunOptions,
        emit: Callable[[GenerationEvent], None],
    ) -> Job[WorkflowGenerationResult]:
        """Begin a generation and return at once.

        Args:
            options: all but `origin`, which is the request's.
            emit: called with every event but the last, on the background loop: it must be quick.
        """
        return self._background.start(lambda: self._stoppable(request, options, _heard(emit)))

    def missing_key(self, model: Model) -> str | None:
        """The variable without which this process cannot ask a model; None where it can."""
        return missing_key(model, self._providers)

    def warm(self) -> None:
        """Import the SDKs and the price list, which takes seconds; from any thread, before anybody waits for them."""
        pricing.warm()
        for provider in self._providers.values():
            provider.warm()

    def outbox(self) -> OutboxState:
        """What waits for the database, and what it will never take."""
        return self._recorder.outbox()

    def close(self) -> None:
        """Cancel what runs, wait until it is recorded, and close every connection to the models."""
        try:
            self._background.close(self._close_providers)
        finally:
            self._recorder.close()

    async def _stoppable(
        self, request: WorkflowRequest, options: RunOptions, emit: Callable[[GenerationEvent], None]
    ) -> WorkflowGenerationResult:
        try:
            return await self._generate(request, options, emit)
        except asyncio.CancelledError:
            raise GenerationCancelled("The generation was cancelled before a model was asked.") from None

    async def _generate(
        self, request: WorkflowRequest, options: RunOptions, emit: Callable[[GenerationEvent], None]
    ) -> WorkflowGenerationResult:
        settings = await off_the_loop(partial(read_settings, self._database))
        if options.overrides:
            settings = options.overrides.applied(settings)
        lineup = line_up(settings, self._providers, self._now().date())
        fault = {FAULT_HEADER: options.primary_fault.value} if options.primary_fault and self._simulated else {}
        run = Circumstances(
            generation_id=options.generation_id or uuid4(),
            request=request,
            overridden=options.overrides is not None,
            forced_fault=options.primary_fault if fault else None,
            config_version=settings.version,
            prompt_version=PROMPT_VERSION,
            simulated=self._simulated,
            replaces_generation_id=options.replaces_generation_id,
        )
        return await Generation(run, lineup, self._recorder, self._limits, self._now, emit, fault).result()

    async def _close_providers(self) -> None:
        for provider in self._providers.values():
            await provider.aclose()


def _heard(emit: Callable[[GenerationEvent], None]) -> Callable[[GenerationEvent], None]:
    """The same listener, whose mistakes cannot tear apart a run that costs money."""

    def tell(event: GenerationEvent) -> None:
        try:
            emit(event)
        except Exception:  # a listener's mistake is not the run's
            log.exception("A listener failed on %s.", type(event).__name__)

    return tell
