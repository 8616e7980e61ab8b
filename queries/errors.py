"""What can be wrong with a question or its answer.

QueryError              query_error         base; never raised itself
├── InvalidPeriod       invalid_period      the days or the time zone cannot be taken
└── UnreadableAnswer    unreadable_answer   the database answers as another version would

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


class UnreadableAnswer(QueryError):
    """The database answers as another version would."""

    code = "unreadable_answer"

    def __init__(self) -> None:
        super().__init__("The database is of another version than this program; run: python -m store migrate")
