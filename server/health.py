"""Whether the console can do its work: for whoever watches over it, without any secret."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PATH = "/api/health"


def health(trouble: Callable[[], str | None]) -> Route:
    """The route `/api/health`: 200 and `ok`, or 503 and `degraded` with a code for what is wrong.

    Args:
        trouble: a stable code for what does not work now, None where all does; it may wait for its limit.
    """

    async def answer(request: Request) -> JSONResponse:
        code = await run_in_threadpool(trouble)
        body = {"status": "degraded", "trouble": code} if code else {"status": "ok"}
        return JSONResponse(body, status_code=503 if code else 200, headers={"cache-control": "no-store"})

    return Route(PATH, answer)
