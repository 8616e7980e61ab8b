"""The report computed a second way: from the rows of the log by the definitions alone, independent of `queries`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

from tests.queries.events import (
    REASONS,
    Row,
    amount,
    attempts,
    cost,
    generator_of,
    is_true,
    price,
    reason_of,
    source_of,
)

ENDINGS = {
    "WORKFLOW_GENERATED": "completed",
    "WORKFLOW_GENERATION_FAILED": "failed",
    "WORKFLOW_GENERATION_CANCELLED": "cancelled",
}
EXECUTIONS = ("AGENT_EXECUTION_COMPLETED", "AGENT_EXECUTION_FAILED")

Counts = Callable[[Row], bool]
"""Whether an event counts."""


def recount(rows: list[Row], first: date, last: date, zone: str, source: str) -> dict[str, Any]:
    """The report's figures that can be compared exactly, and all latencies."""
    here = ZoneInfo(zone)

    def counts(row: Row) -> bool:
        return (
            row.at is not None
            and first <= row.at.astimezone(here).date() <= last
            and source in ("all", source_of(row.details))
        )

    def as_configured(row: Row) -> bool:
        left_out = is_true(row.details.get("overridden")) or row.details.get("forced_fault") is not None
        return counts(row) and not left_out

    return figures(rows, counts) | {"as_configured": rates(figures(rows, as_configured))}


def figures(rows: list[Row], counts: Counts) -> dict[str, Any]:
    """The figures of the events that count."""
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


def rates(counted: dict[str, Any]) -> dict[str, Any]:
    """The figures that targets apply to."""
    overall = ("generations", "failed", "success_rate_pct", "fallback_rate_pct", "regeneration_rate_pct")
    own = ("validation_success_pct", "api_error_rate_pct", "execution_success_pct", "satisfaction_pct")
    return {name: counted[name] for name in overall} | {
        "by_generator": {
            model: {name: of_model[name] for name in own} for model, of_model in counted["by_generator"].items()
        }
    }


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
    """The total cost, and the cost per workflow of those with a known cost."""
    spent = [cost(row) for row in completed]
    known = [usd for usd in spent if usd is not None]
    return {
        "cost_usd": total(spent),
        "cost_per_workflow_usd": round(sum(known, Decimal(0)) / len(known), 12) if known else None,
    }


def by_generator(rows: list[Row], completed: list[Row], counts: Counts) -> dict[str, Any]:
    """The figures of each generator, and the rates of each model's attempts."""
    calls: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if counts(row):
            for model, outcome in attempts(row):
                calls[model or "unknown"].append(outcome)
    verdicts = judged(rows, counts)
    answer = {}
    generators = [generator_of(row.details) or "unknown" for row in completed]
    for name in {*generators, *calls, *verdicts}:
        own = [row for row, generator in zip(completed, generators, strict=True) if generator == name]
        replies = [outcome for outcome in calls[name] if outcome in ("succeeded", "validation_failed")]
        errors = [outcome for outcome in calls[name] if outcome in ("api_error", "timeout", "rate_limit")]
        runs, ratings = verdicts[name]["execution"], verdicts[name]["rating"]
        answer[name] = {
            "generations": len(own),
            **costs(own),
            "latencies": latencies(own),
            "validation_success_pct": pct(replies.count("succeeded"), len(replies)),
            "api_error_rate_pct": pct(len(errors), len(calls[name])),
            "execution_success_pct": pct(sum(runs), len(runs)),
            "satisfaction_pct": pct(sum(ratings), len(ratings)),
        }
    return answer


def judged(rows: list[Row], counts: Counts) -> dict[str, dict[str, list[bool]]]:
    """Agent runs and ratings by the generator of the workflow that they judge."""
    answer: dict[str, dict[str, list[bool]]] = defaultdict(lambda: {"execution": [], "rating": []})
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
                and is_true(generation.details.get("sample")) == is_true(row.details.get("sample"))
            ]
            latest = max(made, key=lambda generation: (generation.at, generation.id), default=None)
            verdict, kind = row.action == "AGENT_EXECUTION_COMPLETED", "execution"
        elif (about := _rated(row)) is not None:
            made = [
                generation
                for generation in generations
                if generation.details.get("generation_id") == about
                and is_true(generation.details.get("sample")) == is_true(row.details.get("sample"))
            ]
            latest = max(
                made, key=lambda generation: (generation.at is not None, generation.at, generation.id), default=None
            )
            verdict, kind = amount(row.details.get("score"), 1) == 1, "rating"
        else:
            continue
        # A verdict has its own time, but the source and origin of the generation.
        own = {name: row.details.get(name) for name in ("sample", "simulated")}
        judged_row = Row(row.id, row.at, row.action, row.agent, latest.details if latest else own)
        if counts(judged_row):
            answer[(generator_of(latest.details) if latest else None) or "unknown"][kind].append(verdict)
    return answer


def _rated(row: Row) -> Any:
    """The generation that a readable rating is about; None for any other event."""
    readable = row.action == "WORKFLOW_RATED" and amount(row.details.get("score"), 1) in (0, 1)
    return row.details.get("generation_id") if readable else None


def latencies(completed: list[Row]) -> list[float]:
    """The known latencies, sorted."""
    known = (amount(row.details.get("generation_time_ms"), 86_400_000) for row in completed)
    return sorted(float(latency) for latency in known if latency is not None)


def percentile(values: list[float], share: float) -> float:
    """Like `percentile_cont`."""
    return values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def pct(part: int, whole: int) -> float | None:
    """A percentage; None if the whole is 0."""
    return round(100 * part / whole, 6) if whole else None


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of the known amounts; None if there are amounts but none is known."""
    given = list(amounts)
    known = [amount for amount in given if amount is not None]
    return None if given and not known else sum(known, Decimal(0))
