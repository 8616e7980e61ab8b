"""How well did each model do? The rates of its attempts, and the verdicts on its workflows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from queries.figures import Attempts, Verdicts
from queries.rates import Rate

ERRORS = ("api_error", "timeout", "rate_limit")
"""Outcomes of attempts that gave no reply."""


@dataclass(frozen=True, slots=True)
class AttemptRates:
    """The rates of some attempts.

    Attributes:
        validation: replies that validated, of all replies.
        schema_failures, semantic_failures: replies rejected for their schema or their semantics, of all replies; events
            of other systems do not say which.
        api_errors: API errors, timeouts and rate limits, of all attempts.
    """

    validation: Rate
    schema_failures: Rate
    semantic_failures: Rate
    api_errors: Rate


def attempt_rates(rows: Iterable[Attempts]) -> AttemptRates:
    """The rates of these attempts."""
    calls = tuple(rows)

    def count(*outcomes: str, rejected_for: str | None = None) -> int:
        return sum(
            call.attempts
            for call in calls
            if call.outcome in outcomes and rejected_for in (None, call.rejected_for)
        )  # fmt: skip

    replies = count("succeeded", "validation_failed")
    return AttemptRates(
        validation=Rate(count("succeeded"), replies),
        schema_failures=Rate(count("validation_failed", rejected_for="schema"), replies),
        semantic_failures=Rate(count("validation_failed", rejected_for="semantic"), replies),
        api_errors=Rate(count(*ERRORS), sum(call.attempts for call in calls)),
    )


def verdict_rate(rows: Iterable[Verdicts], kind: str) -> Rate:
    """Good verdicts of one kind, `execution` or `rating`, of all readable ones."""
    verdicts = [row for row in rows if row.kind == kind]
    return Rate(sum(row.good for row in verdicts), sum(row.total for row in verdicts))
