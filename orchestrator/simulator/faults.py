"""The ways in which a simulated model can be made to fail, each as a real provider does."""

from __future__ import annotations

from enum import StrEnum

FAULT_HEADER = "x-simulated-fault"


class Fault(StrEnum):
    """A fault; its value goes into the request's header."""

    BAD_STEP = "bad_step"
    NOT_JSON = "not_json"
    EMPTY = "empty"
    FENCED = "fenced"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    RATE_LIMIT = "rate_limit"
    RATE_LIMIT_IN_STREAM = "rate_limit_in_stream"
    ERROR_IN_STREAM = "error_in_stream"
    NO_CONNECTION = "no_connection"
    NOT_THE_PROTOCOL = "not_the_protocol"
    CUT_STREAM = "cut_stream"
    HANG = "hang"
    DRIP = "drip"


STATUS = {Fault.SERVER_ERROR: 500, Fault.OVERLOADED: 529, Fault.RATE_LIMIT: 429}
"""Faults that consist of an HTTP status only."""


def fault_headers(fault: str) -> dict[str, str]:
    """The HTTP headers that make a simulated model fail in this way."""
    return {FAULT_HEADER: Fault(fault).value}
