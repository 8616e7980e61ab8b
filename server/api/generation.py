"""Generating over HTTP: one answer or a stream of events, cancelled with the request, repeated without paying twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid5

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from orchestrator import GenerationOptions, OrchestratorError
from orchestrator.generation.progress import AttemptFailed, AttemptStarted, Finished, Progress, StepAccepted
from orchestrator.recording.ended import StoredGeneration, stored_generation
from orchestrator.request import WorkflowRequest, checked_request
from orchestrator.result import WorkflowGenerationResult
from server.api.callers import ApiCaller
from server.api.documents import GenerateRequest
from server.api.errors import Refused, problem_of
from server.site import Site
from store import Conflict, StoreError, exact_json

_NAMESPACE = UUID("5f0c1f0e-5d0c-4b0e-9a53-6d6b6f1a4c11")
_WAIT_S = 150.0
"""Longer than a generation can take with the usual limits."""
_LOOK_EVERY_S = 0.25
_CLOSE_EVERY_S = 5.0
_IN_PROGRESS = "The first request with this key is still being answered; ask again in a moment."
_REUSED = "This Idempotency-Key was used for another request; choose a new key for each request."
_ERASED = "The texts of this generation were erased."


class Generating:
    """Generates for callers of the API."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def answer(self, request: Request, caller: ApiCaller, body: GenerateRequest, key: str | None) -> Response:
        """The whole result; with `Accept: text/event-stream`, events while it happens.

        Without a key, the generation is cancelled with the request, since nobody could ask for its result again. With
        one, it goes on, and the same request gets its result later.
        """
        checked = checked_request(
            prompt=body.prompt, services=body.services, agent_id=body.agent_id, user_id=caller.actor_id, origin="api"
        )
        options = GenerationOptions(generation_id=generation_id_of(caller, key) if key else None)
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(
                self._events(caller, checked, body, options), media_type="text/event-stream",
                headers={"cache-control": "no-store", "x-accel-buffering": "no"},
            )  # fmt: skip
        return json_answer(await self._result(request, caller, checked, body, options))

    async def _result(
        self, request: Request, caller: ApiCaller, checked: WorkflowRequest, body: GenerateRequest,
        options: GenerationOptions,
    ) -> WorkflowGenerationResult:  # fmt: skip
        job = self._site.application().orchestrator.start(checked, options, lambda event: None)
        result = asyncio.ensure_future(asyncio.wrap_future(job.future))
        left = asyncio.ensure_future(_disconnected(request))
        try:
            watched: set[asyncio.Future[Any]] = {result} if options.generation_id else {result, left}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                job.cancel()
            return await result
        except Conflict:
            if options.generation_id is None:
                raise
            return await self._first_result(caller, options.generation_id, body)
        finally:
            left.cancel()

    async def _events(
        self, caller: ApiCaller, checked: WorkflowRequest, body: GenerateRequest, options: GenerationOptions
    ) -> AsyncIterator[str]:
        told = asyncio.Queue[Progress | None]()
        loop = asyncio.get_running_loop()

        def tell(event: Progress | None) -> None:
            with contextlib.suppress(RuntimeError):  # the server has closed its loop
                loop.call_soon_threadsafe(told.put_nowait, event)

        job = self._site.application().orchestrator.start(checked, options, tell)
        job.future.add_done_callback(lambda _: tell(None))
        try:
            while (event := await told.get()) is not None:
                yield _server_sent(*_progress(event))
            yield await self._last_event(asyncio.wrap_future(job.future), caller, body, options)
        finally:
            if not job.future.done() and options.generation_id is None:
                job.cancel()

    async def _last_event(
        self, result: asyncio.Future[WorkflowGenerationResult], caller: ApiCaller, body: GenerateRequest,
        options: GenerationOptions,
    ) -> str:  # fmt: skip
        try:
            try:
                return _server_sent("finished", (await result).as_json())
            except Conflict:
                if options.generation_id is None:
                    raise
                return _server_sent(
                    "finished", (await self._first_result(caller, options.generation_id, body)).as_json()
                )
        except (OrchestratorError, StoreError, Refused) as error:
            return f"event: problem\ndata: {bytes(problem_of(error).body).decode()}\n\n"

    async def _first_result(
        self, caller: ApiCaller, generation_id: UUID, body: GenerateRequest
    ) -> WorkflowGenerationResult:
        """The result of the first request with the same key, once it has ended."""
        loop = asyncio.get_running_loop()
        until, close_at = loop.time() + _WAIT_S, loop.time() + _CLOSE_EVERY_S
        while True:
            found = await run_in_threadpool(self.find, caller, generation_id)
            if found is None or not _is_same(found, body):
                raise Refused(422, "idempotency_key_reused", _REUSED)
            if found.status != "running":
                return _ended(found)
            if loop.time() > until:
                raise Refused(409, "request_in_progress", _IN_PROGRESS, 5)
            if loop.time() > close_at:
                # The process that had it may have died.
                machine = self._site.application().store.machine()
                await run_in_threadpool(machine.call, "close_interrupted_generations")
                close_at = loop.time() + _CLOSE_EVERY_S
            await asyncio.sleep(_LOOK_EVERY_S)

    def find(self, caller: ApiCaller, generation_id: UUID) -> StoredGeneration | None:
        """A generation that the caller may read; None if there is none."""
        return stored_generation(caller.database.call("get_workflow", p_generation_id=str(generation_id)))


def generation_id_of(caller: ApiCaller, key: str) -> UUID:
    """The id of the generation for a caller's key: the same on every host, so the database refuses a second one."""
    return uuid5(_NAMESPACE, f"{caller.actor_id} {key}")


def json_answer(result: WorkflowGenerationResult) -> Response:
    """A result as JSON, always the same text for the same result."""
    return Response(exact_json(result.as_json(), sort_keys=True), media_type="application/json")


def generation_answer(found: StoredGeneration | None) -> Response:
    """A stored generation, whatever came of it."""
    if found is None:
        raise Refused(404, "not_found", "There is no such generation, or it is not yours to read.")
    document: dict[str, Any] = {"generation_id": found.generation_id, "status": found.status}
    if found.status != "running":
        try:
            document["result"] = _ended(found).as_json()
        except OrchestratorError as error:
            document["problem"] = {"code": error.code, "detail": str(error)}
    return Response(exact_json(document, sort_keys=True), media_type="application/json")


def _ended(found: StoredGeneration) -> WorkflowGenerationResult:
    if found.erased_at and found.status == "succeeded":
        raise Refused(410, "text_erased", _ERASED)
    return found.result()


def _is_same(found: StoredGeneration, body: GenerateRequest) -> bool:
    if found.erased_at:
        return True  # there is nothing left to compare
    services = tuple(dict.fromkeys(service.strip() for service in body.services))
    same_agent = body.agent_id is None or body.agent_id.strip() == found.agent_id
    return same_agent and found.prompt == body.prompt.strip() and found.services == services


async def _disconnected(request: Request) -> None:
    """Wait until the caller has gone."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return


def _progress(event: Progress) -> tuple[str, dict[str, Any]]:
    if isinstance(event, AttemptStarted):
        return "attempt_started", {"number": event.number, "model": event.model, "limit_s": event.limit_s}
    if isinstance(event, StepAccepted):
        return "step_accepted", {"number": event.number, "index": event.index, "step": event.step}
    if isinstance(event, AttemptFailed):
        attempt = event.attempt.as_json() if event.attempt else None
        return "attempt_failed", {"number": event.number, "reason": event.reason, "attempt": attempt}
    assert isinstance(event, Finished)  # noqa: S101 - there is no other kind
    return "finished", event.result.as_json()


def _server_sent(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {exact_json(data, sort_keys=True)}\n\n"
