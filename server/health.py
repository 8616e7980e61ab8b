"""The health check for monitoring; it reveals no secrets."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PATH = "/api/health"


def health(trouble: Callable[[], str | None], base: str = "") -> Route:
    """The route `/api/health`: 200 and `ok`, or 503 and `degraded` with a code for the problem.

    Args:
        base: the path below which the console is served; empty, or like `/console`.
        trouble: returns a stable code for the current problem, None if there is none; it may block.
    """

    async def answer(request: Request) -> JSONResponse:
        code = await run_in_threadpool(trouble)
        body = {"status": "degraded", "trouble": code} if code else {"status": "ok"}
        return JSONResponse(body, status_code=503 if code else 200, headers={"cache-control": "no-store"})

    return Route(f"{base}{PATH}", answer)
