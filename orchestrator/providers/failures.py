"""Maps an SDK's exception to a fallback reason: the one place where foreign exceptions become ours.

Both SDKs are built alike, so classes are distinguished by name along the inheritance chain: that needs no import of
either, and a test goes through every exception class of both SDKs and of their HTTP library.

timeout             the SDK's or the HTTP library's own timeouts; our limit is shorter
rate_limit          status 429, or a rate-limit type or code inside a stream
validation_failed   the SDKs' errors for a reply that was cut off or filtered
api_error           everything else
"""

from __future__ import annotations

import re
from typing import Any

from orchestrator.attempt import FallbackReason
from orchestrator.providers.counts import mapping
from orchestrator.providers.provider import ProviderError

_BY_CLASS: dict[str, FallbackReason] = {
    "APITimeoutError": "timeout",
    "TimeoutException": "timeout",
    "RateLimitError": "rate_limit",
    "LengthFinishReasonError": "validation_failed",
    "ContentFilterFinishReasonError": "validation_failed",
}
_LEAST_ERROR_STATUS = 400
_RATE_LIMIT_STATUS = 429
_RATE_LIMIT_WORDS = ("rate_limit", "ratelimit", "too_many_requests")
_RATE_LIMIT_CODES = frozenset({"429", "insufficient_quota", "tokens", "requests"})
# A provider's type or code goes into the audit log only when it looks like one: free text may quote keys or prompts.
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,59}")


class ErrorEvent(Exception):
    """The provider sent an error in place of the reply.

    Attributes:
        type, code: as sent by the provider; None if missing.
    """

    def __init__(self, error: Any) -> None:
        super().__init__()
        told = mapping(error)
        self.type, self.code = (told.get(name) for name in ("type", "code"))


def failure(error: Exception, *, answered: bool, key: str) -> ProviderError:
    """The provider error for any exception of an SDK.

    Args:
        answered: whether a reply had begun, so that tokens may have been spent.
        key: the API key, which some error messages quote.
    """
    status = getattr(error, "status_code", None)
    codes = [str(value) for value in (getattr(error, "code", None), getattr(error, "type", None)) if value]
    tellable = [code for code in codes if key.casefold() not in code.casefold()]
    return ProviderError(_reason(error, status, codes), _detail(error, status, tellable), answered=answered)


def cut_stream(*, answered: bool) -> ProviderError:
    """The error for a stream that ended before the reply was complete, or even before it began."""
    return ProviderError(
        "api_error", "stream ended early" if answered else "no reply in the response", answered=answered
    )


def _reason(error: Exception, status: object, codes: list[str]) -> FallbackReason:
    for base in type(error).__mro__:
        if found := _BY_CLASS.get(base.__name__):
            return found
    # An error status is decisive; inside a stream, whose status was success, only type and code are.
    refused = isinstance(status, int) and status >= _LEAST_ERROR_STATUS
    limited = status == _RATE_LIMIT_STATUS if refused else any(_limits_rate(code.casefold()) for code in codes)
    return "rate_limit" if limited else "api_error"


def _limits_rate(code: str) -> bool:
    return code in _RATE_LIMIT_CODES or any(word in code for word in _RATE_LIMIT_WORDS)


def _detail(error: Exception, status: object, codes: list[str]) -> str:
    parts = [f"HTTP {status}"] if isinstance(status, int) and status >= _LEAST_ERROR_STATUS else []
    parts += [code for code in codes if _CODE.fullmatch(code)][:1]
    return " ".join(parts) or ("error event" if isinstance(error, ErrorEvent) else type(error).__name__)
