"""Generating over HTTP: one answer or a stream of events, cancelled with the request, repeated without paying twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from orchestrator import OrchestratorError
from orchestrator.generation.progress import Finished, Progress
from orchestrator.recording.ended import StoredGeneration
from orchestrator.result import WorkflowGenerationResult
from server.api.callers import ApiCaller
from server.api.documents import GenerateRequest
from server.api.errors import Refused, problem_of
from server.api.order import Order, order
from server.api.progress import named_progress, server_sent
from server.api.repetition import ended, find, first_result
from server.site import Site
from store import Conflict, StoreError, exact_json

_QUIET_S = 15.0
"""After so long without an event the stream says that it is still there, so that no proxy cuts it off."""


class Generating:
    """Generates for callers of the API."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def answer(self, request: Request, caller: ApiCaller, body: GenerateRequest, key: str | None) -> Response:
        """The whole result; with `Accept: text/event-stream`, events while it happens.

        Without a key, the generation is cancelled with the request, since nobody could ask for its result again. With
        one, it goes on, and the same request gets its result later.
        """
        asked = order(caller.actor_id, body, key)
        if "text/event-stream" in request.headers.get("accept", ""):
            headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
            return StreamingResponse(self._stream(caller, asked), media_type="text/event-stream", headers=headers)
        left = asyncio.ensure_future(_disconnected(request))
        try:
            return json_answer(await self._result(caller, asked, lambda event: None, left))
        finally:
            left.cancel()

    async def _result(
        self, caller: ApiCaller, asked: Order, tell: Callable[[Progress], None], left: asyncio.Future[None]
    ) -> WorkflowGenerationResult:
        """The result of a new generation, or of the one that the same key stands for."""
        application = self._site.application()
        if asked.generation_id and await find(caller, asked.generation_id):
            return await first_result(caller, asked, application.store.machine(), left)
        job = application.orchestrator.start(asked.request, asked.options, tell)
        result = asyncio.ensure_future(asyncio.wrap_future(job.future))
        try:
            watched: set[asyncio.Future[Any]] = {result} if asked.generation_id else {result, left}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                job.cancel()
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            if asked.generation_id is None:
                job.cancel()
            raise
        except Conflict:
            if asked.generation_id is None:
                raise
            return await first_result(caller, asked, application.store.machine(), left)

    async def _stream(self, caller: ApiCaller, asked: Order) -> AsyncIterator[str]:
        told, loop = asyncio.Queue[Progress | None](), asyncio.get_running_loop()

        def tell(event: Progress | None) -> None:
            with contextlib.suppress(RuntimeError):  # the server has closed its loop
                loop.call_soon_threadsafe(told.put_nowait, event)

        never: asyncio.Future[None] = loop.create_future()
        result = asyncio.ensure_future(self._result(caller, asked, tell, never))
        result.add_done_callback(lambda _: tell(None))
        try:
            while True:
                try:
                    event = await asyncio.wait_for(told.get(), _QUIET_S)
                except TimeoutError:
                    yield ": still working\n\n"
                    continue
                if event is None:
                    break
                yield server_sent(*named_progress(event))
            yield await _last_event(result)
        finally:
            result.cancel()


async def generation_answer(caller: ApiCaller, generation_id: Any) -> Response:
    """A stored generation, whatever came of it.

    Raises:
        Refused: there is none that the caller may read.
    """
    found = await find(caller, generation_id)
    if found is None:
        raise Refused(404, "not_found", "There is no such generation, or it is not yours to read.")
    return Response(exact_json(_document(found), sort_keys=True), media_type="application/json")


def _document(found: StoredGeneration) -> dict[str, Any]:
    document: dict[str, Any] = {"generation_id": found.generation_id, "status": found.status}
    if found.status != "running":
        try:
            document["result"] = ended(found).as_json()
        except OrchestratorError as error:
            document["problem"] = {"code": error.code, "detail": str(error)}
    return document


def json_answer(result: WorkflowGenerationResult) -> Response:
    """A result as JSON, always the same text for the same result."""
    return Response(exact_json(result.as_json(), sort_keys=True), media_type="application/json")


async def _last_event(result: asyncio.Future[WorkflowGenerationResult]) -> str:
    try:
        return server_sent(*named_progress(Finished(await result)))
    except (OrchestratorError, StoreError, Refused) as error:
        return f"event: problem\ndata: {bytes(problem_of(error).body).decode()}\n\n"


async def _disconnected(request: Request) -> None:
    """Wait until the caller has gone."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
