"""Problem documents (RFC 9457): what went wrong, for programs and people."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from store import exact_json

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """A problem document.

    Args:
        code: from the error trees; stable.
        detail: one sentence.
        members: further members, such as `attempts`.
    """
    body = {
        "type": f"urn:orchestrator-console:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
    kept = {"cache-control": "no-store", **(headers or {})}
    return Response(exact_json(body), status, kept, MEDIA_TYPE)
