"""Errors of the read side.

QueryError              query_error         base; never raised itself
└── InvalidPeriod       invalid_period      the days or the time zone are not valid

Errors of the store pass through unchanged (`store.errors`).
"""

from __future__ import annotations

from typing import ClassVar


class QueryError(Exception):
    """The query cannot be answered."""

    code: ClassVar[str] = "query_error"


class InvalidPeriod(QueryError):
    """The days or the time zone are not valid."""

    code = "invalid_period"
