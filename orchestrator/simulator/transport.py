"""An in-process HTTP transport that answers like OpenAI and Anthropic. The real SDKs run on top of it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator

import httpx2

from orchestrator.models.tokens import estimate
from orchestrator.simulator.faults import FAULT_HEADER, STATUS, Fault
from orchestrator.simulator.planner import plan
from orchestrator.simulator.strict import complaints
from orchestrator.simulator.wire import WIRES, Asked, Stop, Wire

_PIECE_CHARS = 24
_DRIP_S = 1.0


class SimulatedTransport(httpx2.AsyncBaseTransport):
    """Both providers' endpoints.

    Attributes:
        requests: number of requests received so far.
    """

    def __init__(self, *, speed: float = 1.0, seed: int = 0) -> None:
        """Create a transport.

        Args:
            speed: factor on every delay; 1 is as slow as a real model, 0 replies at once.
            seed: varies the delays; equal seeds and requests give equal replies.
        """
        self.requests = 0
        self._speed = speed
        self._seed = seed

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The reply to one request; the header FAULT_HEADER makes it fail."""
        wire = next((wire for path, wire in WIRES.items() if request.url.path.endswith(path)), None)
        if wire is None:
            return _status(404, "not_found")
        body = json.loads(await request.aread())
        self.requests += 1
        try:
            asked = wire.read(body)
        except (KeyError, TypeError, ValueError):
            return _status(400, "invalid_request_error")
        if any(complaints(asked.schema)):
            return _status(400, "invalid_schema")
        fault = Fault(request.headers[FAULT_HEADER]) if FAULT_HEADER in request.headers else None
        return await self._answer(wire, asked, fault, request)

    async def _answer(self, wire: Wire, asked: Asked, fault: Fault | None, request: httpx2.Request) -> httpx2.Response:
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        if fault is Fault.NO_CONNECTION:
            raise httpx2.ConnectError("The simulated model cannot be reached.", request=request)
        if fault in STATUS:
            return _status(STATUS[fault], f"simulated_{fault}")
        if fault is Fault.NOT_THE_PROTOCOL:
            return httpx2.Response(200, headers={"content-type": "text/html"}, text="<h1>Welcome</h1>")
        return httpx2.Response(
            200,
            headers={"content-type": "text/event-stream"},
            stream=_Stream(self._events(wire, asked, fault)),
        )

    async def _events(self, wire: Wire, asked: Asked, fault: Fault | None) -> AsyncIterator[bytes]:
        chance = random.Random(f"{self._seed}:{asked.goal}")  # noqa: S311 - it only varies delays
        text, stop = _reply(asked, fault)
        await self._sleep(wire.first_token_s * chance.uniform(0.7, 1.6))
        yield wire.start(asked)
        pace = wire.tokens_per_s * chance.uniform(0.8, 1.2)
        length = 1 if fault is Fault.DRIP else _PIECE_CHARS
        for at in range(0, len(text), length):
            if fault is Fault.DRIP:
                await asyncio.sleep(_DRIP_S)
            piece = text[at : at + length]
            await self._sleep(estimate(piece) / pace)
            yield wire.text(asked, piece)
            if at > len(text) / 2 and fault in (
                Fault.CUT_STREAM,
                Fault.ERROR_IN_STREAM,
                Fault.RATE_LIMIT_IN_STREAM,
            ):
                if fault is not Fault.CUT_STREAM:
                    yield wire.error(rate_limit=fault is Fault.RATE_LIMIT_IN_STREAM)
                return
        yield wire.end(asked, stop, estimate(text))

    async def _sleep(self, seconds: float) -> None:
        if self._speed > 0:
            await asyncio.sleep(seconds * self._speed)


def _reply(asked: Asked, fault: Fault | None) -> tuple[str, Stop]:
    workflow = plan(asked.goal, asked.services)
    if fault is Fault.BAD_STEP:
        workflow["pilot_steps"][1]["step_type"] = "think"
    text = json.dumps(workflow, ensure_ascii=False)
    if fault is Fault.REFUSED:
        return "", "refused"
    if fault is Fault.TRUNCATED:
        return text[: len(text) * 2 // 3], "truncated"
    if fault is Fault.NOT_JSON:
        return "Here is the workflow you asked for: first read the data, then act on it.", "complete"
    if fault is Fault.EMPTY:
        return "", "complete"
    if fault is Fault.FENCED:
        return f"```json\n{text}\n```", "complete"
    return text, "complete"


def _status(status: int, kind: str) -> httpx2.Response:
    error = {"type": kind, "code": None, "message": "The simulated model refused the request."}
    return httpx2.Response(status, json={"type": "error", "error": error})


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for event in self._events:
            yield event
