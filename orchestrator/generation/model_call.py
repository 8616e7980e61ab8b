"""Asks one model once, within its time limit, and returns what came of it, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from orchestrator.attempt import Attempt, AttemptResult, Outcome
from orchestrator.models import pricing
from orchestrator.models.catalogue import Model
from orchestrator.models.tokens import Tokens, estimate, estimate_bytes
from orchestrator.providers import Ending, ModelRequest, Provider, ProviderError, Usage
from orchestrator.workflow.reply import CheckedReply, Reply
from orchestrator.workflow.steps import Step


class ModelCall:
    """One attempt, created before its request is sent.

    Attributes:
        breached: set at the first schema failure, while the rest of the reply is still being read for its usage.
    """

    def __init__(
        self,
        model: Model,
        provider: Provider,
        request: ModelRequest,
        services: Collection[str],
        now: Callable[[], datetime],
    ) -> None:
        self.model = model
        self.request = request
        self.breached = asyncio.Event()
        self._provider = provider
        self._sent_at = now()
        self._started = time.monotonic()
        self._reply = Reply(services)
        self._usage = Usage()
        self._ending: Ending | None = None

    async def run(self, accept: Callable[[Step], None]) -> AttemptResult:
        """Send the request and read the reply; a cancellation ends it with the outcome `cancelled`.

        Args:
            accept: called with each step that matches the schema as it arrives.
        """
        self._started = time.monotonic()
        failed: ProviderError | None = None
        cancelled = False
        try:
            async with asyncio.timeout(self.request.limit_s):
                failed = await self._heard(accept)
        except TimeoutError:
            failed = ProviderError("timeout", f"no complete reply in {self.request.limit_s:g} s", answered=True)
        except asyncio.CancelledError:
            cancelled = True
        return self._result(failed, cancelled=cancelled)

    def if_it_ended_now(self) -> Attempt:
        """The attempt as it must be recorded if this process dies in the middle of it."""
        if self._reply.breach:
            breach = self._reply.breach
            attempt = self._attempt("validation_failed", breach.code, sent=True)
            return replace(attempt, rejected_for=breach.finding_class, finding_codes=(breach.code,))
        return self._attempt("cancelled", "interrupted", sent=True)

    async def _heard(self, accept: Callable[[Step], None]) -> ProviderError | None:
        """Read the reply to its end; an error is returned, stripped of its traceback, cause and context.

        Their frames reference the half-read stream and each other in cycles: it would stay open until garbage
        collection, possibly on another thread.
        """
        try:
            await self._listen(accept)
        except ProviderError as error:
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)
        return None

    async def _listen(self, accept: Callable[[Step], None]) -> None:
        async with contextlib.aclosing(self._provider.stream(self.request)) as events:
            async for event in events:
                if isinstance(event, Usage):
                    self._usage = event
                elif isinstance(event, Ending):
                    self._ending = event
                else:
                    self._take(event, accept)
                    if self._reply.endless:
                        return

    def _take(self, piece: str, accept: Callable[[Step], None]) -> None:
        if self._usage.final and self._ending is None:
            self._usage = replace(self._usage, final=False)  # the count was only of what had arrived so far
        for step in self._reply.take(piece):
            accept(step)
        if self._reply.breach:
            self.breached.set()

    def _result(self, failed: ProviderError | None, *, cancelled: bool) -> AttemptResult:
        # A reply that the provider marked complete is complete, whatever happened to the connection afterwards.
        if self._ending is None and self._reply.breach is None and (cancelled or failed):
            attempt = self._cut_short(failed)
            return AttemptResult(attempt, CheckedReply((), ()), None)
        reply = self._reply.close(self._ending.finding if self._ending else None)
        # A schema failure that came before the cancellation has already had its consequences.
        if cancelled and self._reply.breach is None:
            outcome: Outcome = "cancelled"
        else:
            outcome = "succeeded" if reply.accepted else "validation_failed"
        attempt = self._attempt(outcome, ", ".join(reply.rejecting_codes), sent=True)
        if outcome == "validation_failed":
            attempt = replace(attempt, rejected_for=reply.rejected_for, finding_codes=reply.rejecting_codes)
        return AttemptResult(attempt, reply, None if reply.accepted else self._reply.text)

    def _cut_short(self, failed: ProviderError | None) -> Attempt:
        if failed is None:
            return self._attempt("cancelled", "cancelled", sent=True)
        return self._attempt(failed.reason, failed.detail, sent=failed.answered or failed.reason == "timeout")

    def _attempt(self, outcome: Outcome, detail: str, *, sent: bool) -> Attempt:
        tokens, estimated = self._tokens() if sent else (Tokens(), False)
        answering, tier = self.request.model, self._usage.service_tier
        cost = pricing.price(answering, tokens, self._sent_at, tier) if tokens.total else Decimal(0)
        duration_ms = round((time.monotonic() - self._started) * 1000)
        return Attempt(
            self.model.name, answering.api_model, outcome, detail, tokens, estimated, cost, duration_ms,
            service_tier=tier,
        )  # fmt: skip

    def _tokens(self) -> tuple[Tokens, bool]:
        # Characters beyond the text that was kept count as one byte each.
        written = estimate(self._reply.text) + estimate_bytes(max(0, self._reply.length_chars - len(self._reply.text)))
        return self._usage.tokens(estimated_input=self.request.estimated_input(), written=written)
