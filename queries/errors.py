"""What can be wrong with a question or its answer.

QueryError              query_error         base; never raised itself
└── InvalidPeriod       invalid_period      the days or the time zone cannot be taken

Errors of the store pass through unchanged (`store.errors`).
"""

from __future__ import annotations

from typing import ClassVar


class QueryError(Exception):
    """The question cannot be answered."""

    code: ClassVar[str] = "query_error"


class InvalidPeriod(QueryError):
    """The days or the time zone cannot be taken."""

    code = "invalid_period"
