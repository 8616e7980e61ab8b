"""How an error inside a stream, with status 200, is classified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.attempt import FallbackReason
from orchestrator.providers.failures import ErrorEvent, failure


@dataclass(frozen=True)
class InStream:
    """An error inside a stream with status 200.

    Attributes:
        error: the value of `error` in the event.
    """

    id: str
    error: dict[str, Any]
    reason: FallbackReason
    detail: str


OPENAI_IN_STREAM = [
    InStream("code", {"type": None, "code": "rate_limit_exceeded"}, "rate_limit", "rate_limit_exceeded"),
    InStream("type", {"type": "requests", "code": None}, "rate_limit", "requests"),
    InStream("tokens", {"type": "tokens", "code": "rate_limit_exceeded"}, "rate_limit", "rate_limit_exceeded"),
    InStream("quota", {"type": "insufficient_quota"}, "rate_limit", "insufficient_quota"),
    InStream("number", {"type": "error", "code": 429}, "rate_limit", "error"),
    InStream("capitals", {"type": "RateLimitError", "code": None}, "rate_limit", "error event"),
    InStream("too many", {"type": "too_many_requests"}, "rate_limit", "too_many_requests"),
    InStream("server", {"type": "server_error", "code": None}, "api_error", "server_error"),
    InStream("number of a server error", {"type": "error", "code": 500}, "api_error", "error"),
    InStream("invalid", {"type": "invalid_request_error", "code": "bad"}, "api_error", "bad"),
    InStream("nothing", {}, "api_error", "error event"),
    InStream("free text", {"type": "Your key sk-1 is wrong"}, "api_error", "error event"),
    InStream("not text", {"type": ["rate"], "code": {"a": 1}}, "api_error", "error event"),
]
ANTHROPIC_IN_STREAM = [
    InStream("type", {"type": "rate_limit_error"}, "rate_limit", "rate_limit_error"),
    InStream("overloaded", {"type": "overloaded_error"}, "api_error", "overloaded_error"),
    InStream("server", {"type": "api_error"}, "api_error", "api_error"),
    InStream("timeout", {"type": "timeout_error"}, "api_error", "timeout_error"),
    InStream("nothing", {}, "api_error", "error event"),
    InStream("not text", {"type": 7}, "api_error", "error event"),
]


@pytest.mark.parametrize("case", OPENAI_IN_STREAM + ANTHROPIC_IN_STREAM, ids=lambda case: case.id)
def test_error_inside_a_stream(case: InStream) -> None:
    """Type and code decide, if there are any."""
    found = failure(ErrorEvent(case.error), answered=True, key="sk-test")
    assert (found.reason, found.detail) == (case.reason, case.detail)


@pytest.mark.parametrize("error", [None, "Failed.", ["x"], 7])
def test_an_error_of_any_form(error: object) -> None:
    """An error that is not an object has no details, but is an error all the same."""
    found = failure(ErrorEvent(error), answered=True, key="sk-test")
    assert (found.reason, found.detail) == ("api_error", "error event")


def test_a_key_as_short_as_a_word_hides_the_code_and_not_the_reason() -> None:
    """A local server's key may be `x`: a rate limit is recognized all the same."""
    found = failure(ErrorEvent({"type": "rate_limit_exceeded"}), answered=True, key="x")
    assert (found.reason, found.detail) == ("rate_limit", "error event")
