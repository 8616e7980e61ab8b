"""The report once more, straight from the log's rows and by the definitions alone; nothing of `queries` is used."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import simplejson
from psycopg.types.json import set_json_loads

REASONS = ("validation_failed", "api_error", "timeout", "rate_limit")
ENDINGS = {
    "WORKFLOW_GENERATED": "completed",
    "WORKFLOW_GENERATION_FAILED": "failed",
    "WORKFLOW_GENERATION_CANCELLED": "cancelled",
}
EXECUTIONS = ("AGENT_EXECUTION_COMPLETED", "AGENT_EXECUTION_FAILED")
NUMBER = r"[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?"
# US dollars per million tokens: input, output; the first day on which they hold.
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
    """Every event; numbers in details exact."""
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
    if isinstance(name, str) and name.strip() and len(name) <= 100 and not re.search(r"[\x00-\x1f\x7f-\x9f]", name):
        return name.strip(" ")
    return None


def source_of(details: dict[str, Any]) -> str:
    """real or simulated; sample data is simulated."""
    return "simulated" if _true(details.get("sample")) or _true(details.get("simulated")) else "real"


def price(model: str | None, at: datetime, details: dict[str, Any]) -> Decimal | None:
    """What tokens_used cost at a model's price of the day."""
    tokens = details.get("tokens_used")
    if model not in PRICES or not isinstance(tokens, dict):
        return None
    given_in, given_out = amount(tokens.get("input"), 10**9), amount(tokens.get("output"), 10**9)
    per_in, per_out, since = PRICES[model]
    if given_in is None or given_out is None or at.astimezone(UTC).date() < since:
        return None
    return (given_in * per_in + given_out * per_out) / 1_000_000


def recount(rows: list[Row], first: date, last: date, zone: str, source: str) -> dict[str, Any]:
    """The figures of the report that can be compared exactly, and all latencies."""
    here = ZoneInfo(zone)

    def counts(row: Row) -> bool:
        return (
            row.at is not None
            and first <= row.at.astimezone(here).date() <= last
            and source in ("all", source_of(row.details))
        )

    ended = [row for row in rows if row.action in ENDINGS and counts(row)]
    completed = [row for row in ended if row.action == "WORKFLOW_GENERATED"]
    failed = [row for row in ended if row.action == "WORKFLOW_GENERATION_FAILED"]
    reasons = [reason for row in completed if (reason := reason_of(row.details, "fallback_reason"))]
    return {
        "generations": len(completed),
        "failed": len(failed),
        "success_rate_pct": pct(len(completed), len(completed) + len(failed)),
        "fallback_rate_pct": pct(len(reasons), len(completed)),
        "fallback_reasons": {reason: reasons.count(reason) for reason in REASONS},
        "cost_failed_usd": total(cost(row) for row in ended if row.action != "WORKFLOW_GENERATED"),
        **money(completed),
        "by_generator": by_generator(rows, completed, counts),
        "latencies": latencies(completed),
        "regeneration_rate_pct": pct(
            sum(row.details.get("replaces_generation_id") is not None for row in completed), len(completed)
        ),
    }


def cost(row: Row) -> Decimal | None:
    """All attempts of a generation."""
    given = row.details.get("cost_usd")
    if row.action != "WORKFLOW_GENERATED" and given is None:
        given = row.details.get("wasted_cost_usd")
    return amount(given, 10**6)


def money(completed: list[Row]) -> dict[str, Any]:
    """Cost, waste, baseline, savings."""
    wasted, baselines, savings = [], [], []
    for row in completed:
        spent, details = cost(row), row.details
        assert row.at is not None
        if "wasted_cost_usd" in details:
            waste = amount(details["wasted_cost_usd"], 10**6)
            wasted.append(waste if waste is not None and spent is not None and waste <= spent else None)
        else:
            own = price(generator_of(details), row.at, details)
            wasted.append(max(spent - own, Decimal(0)) if spent is not None and own is not None else None)
        if "baseline_cost_usd" in details:
            baseline = amount(details["baseline_cost_usd"], 10**6)
        else:
            baseline = price("claude-sonnet-4", row.at, details)
        unpriced = amount(details.get("unpriced_attempts"), 1000) or 0
        if baseline is not None and spent is not None and unpriced == 0:
            baselines.append(baseline)
            savings.append(baseline - spent)
    return {
        **costs(completed),
        "wasted_cost_usd": total(wasted),
        "baseline_cost_usd": total(baselines) if baselines else None,
        "savings_usd": total(savings) if savings else None,
    }


def costs(completed: list[Row]) -> dict[str, Any]:
    """What they cost, in all and each of those that say it."""
    spent = [cost(row) for row in completed]
    known = [usd for usd in spent if usd is not None]
    return {
        "cost_usd": total(spent),
        "cost_per_workflow_usd": round(sum(known, Decimal(0)) / len(known), 12) if known else None,
    }


def by_generator(rows: list[Row], completed: list[Row], counts: Any) -> dict[str, Any]:
    """The figures of each generator, and the rates of each model's calls."""
    calls: dict[str | None, list[str]] = defaultdict(list)
    for row in rows:
        if counts(row):
            for model, outcome in attempts(row):
                calls[model].append(outcome)
    verdicts = judged(rows, counts)
    answer = {}
    for name in {generator_of(row.details) for row in completed} | set(calls) | set(verdicts):
        own = [row for row in completed if generator_of(row.details) == name]
        replies = [outcome for outcome in calls[name] if outcome in ("succeeded", "validation_failed")]
        errors = [outcome for outcome in calls[name] if outcome in ("api_error", "timeout", "rate_limit")]
        runs, ratings = verdicts[name]["execution"], verdicts[name]["rating"]
        answer[name or "unknown"] = {
            "generations": len(own),
            **costs(own),
            "latencies": latencies(own),
            "validation_success_pct": pct(replies.count("succeeded"), len(replies)),
            "api_error_rate_pct": pct(len(errors), len(calls[name])),
            "execution_success_pct": pct(sum(runs), len(runs)),
            "satisfaction_pct": pct(sum(ratings), len(ratings)),
        }
    return answer


def attempts(row: Row) -> Iterable[tuple[str | None, str]]:
    """The calls that an event tells of: model and outcome."""
    details = row.details
    if details.get("generation_id") is not None:
        given = details.get("attempts")
        if row.action in ("WORKFLOW_GENERATED", "WORKFLOW_GENERATION_FAILED") and isinstance(given, list):
            # A list that holds anything else is not understood at all.
            for call in given if all(isinstance(call, dict) for call in given) else ():
                if call.get("outcome") in ("succeeded", *REASONS):
                    yield generator_of({"generator": call.get("model")}), call["outcome"]
    elif row.action == "WORKFLOW_GENERATED":
        yield generator_of(details), "succeeded"
    elif row.action == "WORKFLOW_GENERATION_FALLBACK":
        yield generator_of({"generator": details.get("primary_model")}), reason_of(details, "reason") or "api_error"


def judged(rows: list[Row], counts: Any) -> dict[str | None, dict[str, list[bool]]]:
    """Runs and ratings by the generator of the workflow that they judge."""
    answer: dict[str | None, dict[str, list[bool]]] = defaultdict(lambda: {"execution": [], "rating": []})
    generations = [row for row in rows if row.action == "WORKFLOW_GENERATED"]
    for row in rows:
        if row.at is None:
            continue
        if row.action in EXECUTIONS and row.agent is not None:
            made = [
                generation
                for generation in generations
                if generation.agent == row.agent
                and generation.at is not None
                and generation.at < row.at
                and _true(generation.details.get("sample")) == _true(row.details.get("sample"))
            ]
            latest = max(made, key=lambda generation: (generation.at, generation.id), default=None)
            verdict, kind = row.action == "AGENT_EXECUTION_COMPLETED", "execution"
        elif row.action == "WORKFLOW_RATED" and amount(row.details.get("score"), 1) in (0, 1):
            about = row.details.get("generation_id")
            made = [
                generation
                for generation in generations
                if about
                and generation.details.get("generation_id") == about
                and _true(generation.details.get("sample")) == _true(row.details.get("sample"))
            ]
            latest = max(
                made, key=lambda generation: (generation.at is not None, generation.at, generation.id), default=None
            )
            verdict, kind = amount(row.details.get("score"), 1) == 1, "rating"
            if about is None:
                continue
        else:
            continue
        # The verdict's own time, and the generation's circumstances.
        judged_row = Row(row.id, row.at, row.action, row.agent, latest.details if latest else row.details)
        if counts(judged_row):
            answer[generator_of(latest.details) if latest else None][kind].append(verdict)
    return answer


def latencies(completed: list[Row]) -> list[float]:
    """What is known of how long they took, in order."""
    known = (amount(row.details.get("generation_time_ms"), 86_400_000) for row in completed)
    return sorted(float(latency) for latency in known if latency is not None)


def percentile(values: list[float], share: float) -> float:
    """As `percentile_cont`."""
    return values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def pct(part: int, whole: int) -> float | None:
    """A percentage, None of nothing."""
    return round(100 * part / whole, 6) if whole else None


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where nothing is known of anything."""
    given = list(amounts)
    known = [amount for amount in given if amount is not None]
    return None if given and not known else sum(known, Decimal(0))


def _true(value: Any) -> bool:
    return value is True or value == "true"
