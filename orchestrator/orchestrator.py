"""The orchestrator: takes the description of a process and returns an audited workflow."""

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
from orchestrator.generation.progress import Finished, Progress
from orchestrator.generation.prompts import PROMPT_VERSION
from orchestrator.models import pricing
from orchestrator.models.catalogue import Model, ProviderName
from orchestrator.providers import Provider
from orchestrator.recording.audit import Context
from orchestrator.recording.outbox import OutboxState
from orchestrator.recording.recorder import Recorder
from orchestrator.request import Origin, WorkflowRequest, checked_request
from orchestrator.result import WorkflowGenerationResult
from orchestrator.settings import read_settings
from store import Database, StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """Options for one generation.

    Attributes:
        generation_id: chosen by the caller, to find the generation before it has ended; None for a new id.
        overrides: other models for this generation only; it is then left out of targets and counted as overridden.
        replaces_generation_id: the generation that this one regenerates.
        primary_fault: makes the first model fail in this way, if it is simulated; see `orchestrator.simulator.Fault`.
    """

    origin: Origin = "api"
    generation_id: UUID | None = None
    overrides: Overrides | None = None
    replaces_generation_id: UUID | None = None
    primary_fault: str | None = None

    def chosen(self) -> dict[str, str | bool]:
        """The overrides and the requested failure by name, without those that were not chosen."""
        overrides = self.overrides or Overrides()
        named = {
            "primary": overrides.primary,
            "fallback": overrides.fallback,
            "fallback_enabled": overrides.fallback_enabled,
            "forced_fault": self.primary_fault,
        }
        return {name: value for name, value in named.items() if value is not None}


class WorkflowOrchestrator:
    """Asks the primary model, validates its answer, and asks the fallback model for one of four reasons.

    Create one per process with `orchestrator.bootstrap`; it can be used from any thread and any event loop.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        providers: Mapping[ProviderName, Provider],
        limits: Limits,
        now: Callable[[], datetime],
        fault_headers: Callable[[str], Mapping[str, str]] | None = None,
    ) -> None:
        """Create an orchestrator.

        Args:
            fault_headers: the HTTP headers that make a simulated model fail; None if the models are real.
        """
        self._database = database
        self._recorder = recorder
        self._providers = providers
        self._fault_headers = fault_headers
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
        options: GenerationOptions = GenerationOptions(),
    ) -> WorkflowGenerationResult:
        """Generate a workflow and wait for it; works inside a running event loop too. Ctrl-C cancels it.

        Args:
            user_id: who asks.
            agent_id: the agent the workflow is for; None for a new one.
            prompt: description of the process.
            services: names of the connected services; may be empty.

        Raises:
            InvalidRequest, InvalidSettings, ModelNotConfigured: no model was asked and nothing was spent.
            GenerationFailed: no model returned a valid workflow.
            GenerationCancelled: interrupted from the keyboard.
            RecordingFailed: the generation's record could not be saved anywhere; the error carries its result.
            StoreError: the database did not answer; no model was asked.
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
        options: GenerationOptions = GenerationOptions(),
    ) -> WorkflowGenerationResult:
        """The same, awaited. Cancelling the awaiting task cancels the generation and waits until that is recorded."""
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
        options: GenerationOptions = GenerationOptions(),
    ) -> AsyncGenerator[Progress]:
        """The same, yielding its progress; the last item is `Finished`.

        Ending the iteration early cancels the generation. Raises the same errors as `generate_workflow`.
        """
        request = checked_request(
            prompt=prompt, services=services, agent_id=agent_id, user_id=user_id, origin=options.origin
        )
        loop, told = asyncio.get_running_loop(), asyncio.Queue[Progress | None]()

        def tell(event: Progress | None) -> None:
            with contextlib.suppress(RuntimeError):  # the listener's loop is closed: nobody listens any more
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
        options: GenerationOptions,
        emit: Callable[[Progress], None],
    ) -> Job[WorkflowGenerationResult]:
        """Start a generation and return immediately.

        Args:
            options: all except `origin`, which the request has.
            emit: called with the progress, all but `Finished`, on the background loop: it must be quick.
        """
        return self._background.start(lambda: self._stoppable(request, options, _heard(emit)))

    def missing_key(self, model: Model) -> str | None:
        """The environment variable that is missing to ask a model; None if it can be asked."""
        return missing_key(model, self._providers)

    def warm(self) -> None:
        """Import the SDKs and the price list ahead of time, which takes seconds; callable from any thread."""
        pricing.warm()
        for provider in self._providers.values():
            provider.warm()

    def outbox(self) -> OutboxState:
        """How much waits for the database, and how much it will never accept."""
        return self._recorder.outbox()

    def close(self) -> None:
        """Cancel the generations under way, wait until they are recorded, and close every connection to the models."""
        try:
            self._background.close(self._close_providers)
        finally:
            self._recorder.close()

    async def _stoppable(
        self, request: WorkflowRequest, options: GenerationOptions, emit: Callable[[Progress], None]
    ) -> WorkflowGenerationResult:
        try:
            return await self._generate(request, options, emit)
        except asyncio.CancelledError:
            raise GenerationCancelled("The generation was cancelled before a model was asked.") from None

    async def _generate(
        self, request: WorkflowRequest, options: GenerationOptions, emit: Callable[[Progress], None]
    ) -> WorkflowGenerationResult:
        settings = await off_the_loop(partial(read_settings, self._database))
        if options.overrides:
            settings = options.overrides.applied(settings)
        lineup = line_up(settings, self._providers, self._now().date())
        fault = options.primary_fault if self._fault_headers else None
        headers = self._fault_headers(fault) if self._fault_headers and fault else {}
        context = Context(
            generation_id=options.generation_id or uuid4(),
            request=request,
            overridden=options.overrides is not None,
            forced_fault=fault,
            config_version=settings.version,
            prompt_version=PROMPT_VERSION,
            simulated=self._fault_headers is not None,
            replaces_generation_id=options.replaces_generation_id,
            options=options.chosen(),
        )
        return await Generation(context, lineup, self._recorder, self._limits, self._now, emit, headers).result()

    async def _close_providers(self) -> None:
        for provider in self._providers.values():
            await provider.aclose()


def _heard(emit: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """The same listener, guarded so that its errors cannot break off a generation that costs money."""

    def tell(event: Progress) -> None:
        try:
            emit(event)
        except Exception:  # a listener's error must not end the generation
            log.exception("A listener failed on %s.", type(event).__name__)

    return tell
