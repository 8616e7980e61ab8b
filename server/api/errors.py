"""Every error as a problem document, with the code of the error trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

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
        codes = {404: "not_found", 405: "method_not_allowed", 400: "invalid_request"}
        detail = {404: "There is no such route.", 405: "This route has other methods."}.get(
            error.status_code, "The request could not be read."
        )
        return problem(
            error.status_code, codes.get(error.status_code, "invalid_request"), detail, headers=error.headers
        )

    for kind in (OrchestratorError, StoreError, QueryError, Refused):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
