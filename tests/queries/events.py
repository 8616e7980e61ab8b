"""The events of the log, and how the definitions read each of their fields; independent of `queries`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import simplejson
from psycopg.types.json import set_json_loads

REASONS = ("validation_failed", "api_error", "timeout", "rate_limit")
NUMBER = r"[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?"
# US dollars per million tokens: input, output; then the first day on which they apply.
PRICES = {
    "gpt-4o-mini": (Decimal("0.15"), Decimal("0.60"), date(2024, 7, 18)),
    "gpt-6-luna": (Decimal("0.10"), Decimal("0.50"), date(2026, 1, 1)),
    "claude-sonnet-4": (Decimal("3"), Decimal("15"), date(2025, 5, 14)),
    "claude-sonnet-4-6": (Decimal("3"), Decimal("15"), date(2026, 1, 1)),
}


@dataclass(frozen=True)
class Row:
    """An event of the log."""

    id: Any
    at: datetime | None
    action: str
    agent: str | None
    details: dict[str, Any]


def read_log(connection: psycopg.Connection) -> list[Row]:
    """Every event, with exact numbers in its details."""
    set_json_loads(lambda data: simplejson.loads(data, use_decimal=True), connection)
    rows = connection.execute("select id, timestamp, action, entity_id, details from public.audit_logs")
    return [
        Row(row[0], row[1], row[2], row[3], row[4] if isinstance(row[4], dict) else {})
        for row in rows
    ]  # fmt: skip


def amount(value: Any, most: int) -> Decimal | None:
    """A number from 0 to `most`, as JSON or as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal) or (
        isinstance(value, str) and len(value) < 61 and re.fullmatch(NUMBER, value)
    ):
        number = Decimal(value)
    else:
        return None
    return number if 0 <= number <= most else None


def reason_of(details: dict[str, Any], key: str) -> str | None:
    """One of the four reasons."""
    words = details.get(key)
    if words is None:
        return None
    text = words if isinstance(words, str) else simplejson.dumps(words, use_decimal=True)
    if text in REASONS:
        return text
    for pattern, reason in (
        ("timed out|timeout", "timeout"),
        ("429|rate limit", "rate_limit"),
        ("valid|schema|parse|json", "validation_failed"),
    ):
        if re.search(pattern, text, re.IGNORECASE):
            return reason
    return "api_error"


def generator_of(details: dict[str, Any]) -> str | None:
    """The name of the model that answered."""
    name = details.get("generator_used")
    name = details.get("generator") if name is None else name
    if name is None:
        return None
    text = name if isinstance(name, str) else simplejson.dumps(name, use_decimal=True)
    if len(text) > 100 or text.startswith(("{", "[")) or re.search(r"[\x00-\x1f\x7f-\x9f]", text):
        return None
    return text.strip(" ") or None


def source_of(details: dict[str, Any]) -> str:
    """real or simulated; sample data is simulated."""
    return "simulated" if is_true(details.get("sample")) or is_true(details.get("simulated")) else "real"


def price(model: str | None, at: datetime, details: dict[str, Any]) -> Decimal | None:
    """The price of `tokens_used` on a model on that day."""
    tokens = details.get("tokens_used")
    if model not in PRICES or not isinstance(tokens, dict):
        return None
    given_in, given_out = amount(tokens.get("input"), 10**9), amount(tokens.get("output"), 10**9)
    per_in, per_out, since = PRICES[model]
    if given_in is None or given_out is None or at.astimezone(UTC).date() < since:
        return None
    return (given_in * per_in + given_out * per_out) / 1_000_000


def cost(row: Row) -> Decimal | None:
    """The cost of all attempts of a generation."""
    given = row.details.get("cost_usd")
    if row.action != "WORKFLOW_GENERATED" and given is None:
        given = row.details.get("wasted_cost_usd")
    return amount(given, 10**6)


def attempts(row: Row) -> Iterable[tuple[str | None, str]]:
    """The attempts that an event reports: model and outcome."""
    details = row.details
    if details.get("generation_id") is not None:
        given = details.get("attempts")
        if row.action in ("WORKFLOW_GENERATED", "WORKFLOW_GENERATION_FAILED") and isinstance(given, list):
            # A list that holds anything else is ignored as a whole.
            for call in given if all(isinstance(call, dict) for call in given) else ():
                if call.get("outcome") in ("succeeded", *REASONS):
                    yield generator_of({"generator": call.get("model")}), call["outcome"]
    elif row.action == "WORKFLOW_GENERATED":
        yield generator_of(details), "succeeded"
    elif row.action == "WORKFLOW_GENERATION_FALLBACK":
        yield generator_of({"generator": details.get("primary_model")}), reason_of(details, "reason") or "api_error"


def is_true(value: Any) -> bool:
    """Whether a flag is set, as JSON or as text."""
    return value is True or value == "true"
