"""Every error as a problem document, with the code of the error trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from orchestrator import OrchestratorError
from orchestrator.errors import (
    GenerationCancelled,
    GenerationFailed,
    InvalidRequest,
    RecordingFailed,
)
from queries.errors import QueryError
from server.problem import problem
from store import (
    Conflict,
    InvalidInput,
    NotPermitted,
    NotSignedIn,
    StoreError,
    TooManyRequests,
)

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotSignedIn, 401),
    (NotPermitted, 403),
    (Conflict, 409),
    (InvalidInput, 422),
    (InvalidRequest, 422),
    (QueryError, 422),
    (TooManyRequests, 429),
    (GenerationFailed, 502),
    (GenerationCancelled, 409),
)
_OTHERWISE = 503
_RETRY_S = 5


_OF_HTTP = {
    404: ("not_found", "There is no such route."),
    405: ("method_not_allowed", "This route has other methods."),
}


class Refused(Exception):
    """A request that the route itself refuses.

    Attributes:
        retry_after_s: when the same request may work; None if it will not.
    """

    def __init__(self, status: int, code: str, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


def problem_of(error: Exception) -> Response:
    """The problem document for one of our own errors."""
    if isinstance(error, Refused):
        return problem(error.status, error.code, str(error), headers=_after(error.retry_after_s))
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), _OTHERWISE)
    headers = {"www-authenticate": "Bearer"} if status == 401 else _after(_RETRY_S if status in (429, 503) else None)
    return problem(status, str(getattr(error, "code", "error")), str(error), headers=headers, **_members(error))


def _after(seconds: int | None) -> Mapping[str, str]:
    return {} if seconds is None else {"retry-after": str(seconds)}


def _members(error: Exception) -> dict[str, Any]:
    if not isinstance(error, OrchestratorError) or error.generation_id is None:
        return {}
    members: dict[str, Any] = {
        "generation_id": error.generation_id,
        "attempts": [attempt.as_json() for attempt in error.attempts],
    }
    if isinstance(error, RecordingFailed) and error.result:
        members["result"] = error.result.as_json()
    return members


def _methods(app: FastAPI, request: Request) -> list[str]:
    """The methods of a path, sorted; each function of it has its own."""
    routes = [route for route in app.routes if isinstance(route, Route | APIRoute)]
    found = {
        method for route in routes if route.matches(request.scope)[0] != Match.NONE for method in route.methods or ()
    }
    return sorted(found)


def handle_errors(app: FastAPI) -> None:
    """Let an application answer every error with a problem document."""

    async def ours(request: Request, error: Exception) -> Response:
        return problem_of(error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
        # Without the values: they are what people typed.
        found = [
            {"path": ".".join(map(str, item["loc"])), "code": item["type"], "message": item["msg"]}
            for item in error.errors()[:20]
        ]
        where = f" ({found[0]['path']}: {found[0]['message']})" if found else ""
        return problem(422, "invalid_request", f"The request is not what this route expects{where}.", errors=found)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
        code, detail = _OF_HTTP.get(error.status_code, ("invalid_request", "The request could not be read."))
        headers = {"allow": ", ".join(_methods(app, request))} if error.status_code == 405 else error.headers
        return problem(error.status_code, code, detail, headers=headers)

    for kind in (OrchestratorError, StoreError, QueryError, Refused):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
