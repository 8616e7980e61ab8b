"""All figures of a period at once, under the names that other programs rely on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from queries.days import LatencySummary, histogram, summary
from queries.figures import Attempts, Figures, Part, Verdicts, read_figures
from queries.filters import Filters
from queries.models import attempt_rates, verdict_rate
from queries.period import Period
from queries.rates import Rate
from queries.series import now
from queries.tally import Tally, tally
from store import Database

NAMELESS = "unknown"
"""The key for generations whose event does not name a generator; a generator of this very name shares it."""

_PARTS: tuple[Part, ...] = ("generations", "latencies", "attempts", "verdicts")


def read_report(database: Database, period: Period, filters: Filters) -> dict[str, Any]:
    """The report as plain values: counts, money as Decimal, percentages and milliseconds rounded; unknown is None.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, _PARTS)
    total = tally(now(figures.generations))
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "time_zone": period.zone,
        "source": filters.source,
        "generations": total.completed,
        "failed": total.failed,
        "cancelled": total.cancelled,
        "success_rate_pct": _pct(total.success),
        "fallback_rate_pct": _pct(total.fallback),
        "fallback_reasons": total.fallback_reasons,
        **_money(total),
        "by_generator": _by_generator(figures, total),
        "latency_ms": _latency(summary(total, histogram(now(figures.latencies)))),
        "regeneration_rate_pct": _pct(total.regeneration),
        "overridden": total.overridden,
        "as_configured": _as_configured(figures, total.as_configured),
        "left_out": _left_out(figures, total),
    }


def _money(total: Tally) -> dict[str, Any]:
    return {
        "cost_usd": total.cost_usd,
        "cost_failed_usd": total.cost_failed_usd,
        "wasted_cost_usd": total.wasted_usd,
        "baseline_cost_usd": total.baseline_usd,
        "savings_usd": total.savings_usd,
        "savings_pct": _rounded(total.savings_pct),
        "cost_per_workflow_usd": _per_workflow(total),
    }


def _left_out(figures: Figures, total: Tally) -> dict[str, int]:
    return {
        "without_baseline": total.without_baseline,
        "without_cost": total.without_cost,
        "without_waste": total.without_waste,
        "unpriced_attempts": total.unpriced,
        "unreadable": total.unreadable + sum(row.unreadable for row in now(figures.verdicts)),
        "undated": figures.undated,
    }


def _by_generator(figures: Figures, total: Tally) -> dict[str, Any]:
    attempts, verdicts = now(figures.attempts), now(figures.verdicts)
    answer = {}
    for name in _models(total, attempts, verdicts):
        own = tally(row for row in total.rows if row.status == "completed" and _named(row.generator) == name)
        latencies = histogram(row for row in now(figures.latencies) if _named(row.generator) == name)
        answer[name] = {
            "generations": own.completed,
            "cost_usd": own.cost_usd,
            "cost_per_workflow_usd": _per_workflow(own),
            "latency_ms": _latency(summary(own, latencies)),
            **_rates(attempts, verdicts, name),
        }
    return answer


def _as_configured(figures: Figures, total: Tally) -> dict[str, Any]:
    attempts = [row for row in now(figures.attempts) if not row.overridden]
    verdicts = [row for row in now(figures.verdicts) if not row.overridden]
    return {
        "generations": total.completed,
        "failed": total.failed,
        "success_rate_pct": _pct(total.success),
        "fallback_rate_pct": _pct(total.fallback),
        "regeneration_rate_pct": _pct(total.regeneration),
        "by_generator": {name: _rates(attempts, verdicts, name) for name in _models(total, attempts, verdicts)},
    }


def _models(total: Tally, attempts: list[Attempts], verdicts: list[Verdicts]) -> list[str]:
    """The models that answered, were asked, or whose workflows were judged."""
    answered = {row.generator for row in total.rows if row.status == "completed"}
    asked = {row.model for row in attempts}
    return sorted(set(map(_named, answered | asked | {row.generator for row in verdicts if row.total})))


def _named(model: str | None) -> str:
    return model or NAMELESS


def _rates(attempts: list[Attempts], verdicts: list[Verdicts], model: str) -> dict[str, Any]:
    calls = attempt_rates(row for row in attempts if _named(row.model) == model)
    judged = [row for row in verdicts if _named(row.generator) == model]
    return {
        "validation_success_pct": _pct(calls.validation),
        "api_error_rate_pct": _pct(calls.api_errors),
        "execution_success_pct": _pct(verdict_rate(judged, "execution")),
        "satisfaction_pct": _pct(verdict_rate(judged, "rating")),
    }


def _latency(figures: LatencySummary) -> dict[str, float | None]:
    return {
        name: None if value is None else round(value, 1)
        for name, value in (("avg", figures.avg), ("p50", figures.p50), ("p95", figures.p95), ("p99", figures.p99))
    }


def _per_workflow(total: Tally) -> Decimal | None:
    cost = total.cost_per_workflow_usd
    return None if cost is None else round(cost, 12)


def _pct(rate: Rate) -> float | None:
    return _rounded(rate.pct)


def _rounded(pct: Decimal | None) -> float | None:
    return None if pct is None else round(float(pct), 6)
