"""The cards that several pages share, each with its definition: figures of a `Tally`, and latencies."""

from __future__ import annotations

from decimal import Decimal

from orchestrator.models.catalogue import BASELINE
from pages.parts.cards import Card
from pages.parts.words import change, count, money, overridden, percent, points, seconds, share
from queries import targets
from queries.days import LatencySummary
from queries.tally import Tally, tally

_AS_CONFIGURED = "Generations with overrides or a forced failure are left out."


def generations(total: Tally, before: Tally) -> Card:
    """The number of workflows."""
    alone = tally(row for row in total.rows if row.overridden).completed
    return Card(
        "Workflows",
        count(total.completed),
        "Generations that produced a validated workflow.",
        change(total.completed, before.completed),
        note=f"including {overridden(alone)}" if alone else None,
    )


def fallback(total: Tally, before: Tally) -> Card:
    """The fallback rate against its target."""
    rate = total.as_configured.fallback
    return Card(
        "Fallback rate",
        percent(rate.pct, targets.FALLBACK.limits),
        f"Completed generations that the fallback answered: {share(rate)}. {_AS_CONFIGURED}",
        points(rate.pct, before.as_configured.fallback.pct),
        falling_is_good=True,
        rate=rate,
        target=targets.FALLBACK,
    )


def success(total: Tally, before: Tally) -> Card:
    """The success rate against its target."""
    rate = total.as_configured.success
    return Card(
        "Success rate",
        percent(rate.pct, targets.SUCCESS.limits),
        f"Generations that completed, of all that completed or failed: {share(rate)}. {_AS_CONFIGURED}",
        points(rate.pct, before.as_configured.success.pct),
        falling_is_good=False,
        rate=rate,
        target=targets.SUCCESS,
    )


def cost(total: Tally, before: Tally) -> Card:
    """The cost of completed generations; the cost of failed and cancelled ones is shown separately."""
    apart = total.cost_failed_usd
    return Card(
        "Cost",
        money(total.cost_usd),
        "All attempts of completed generations at list prices, wasted ones included.",
        change(total.cost_usd, before.cost_usd),
        falling_is_good=True,
        note=f"plus {money(apart)} for failed and cancelled generations" if apart else None,
    )


def saved(total: Tally, before: Tally) -> Card:
    """The savings compared with the baseline, net of waste."""
    return Card(
        "Saved",
        money(total.savings_usd),
        f"Compared with {BASELINE.label} for the same tokens, net of waste. {BASELINE.label} would count the tokens of "
        "the same text slightly differently.",
        change(total.savings_usd, before.savings_usd),
        falling_is_good=False,
        note=_against_baseline(total.savings_pct),
    )


def _against_baseline(savings_pct: Decimal | None) -> str | None:
    if savings_pct is None:
        return None
    return f"{percent(abs(savings_pct))} {'less' if savings_pct >= 0 else 'more'} than with {BASELINE.label} alone"


def wasted(total: Tally, before: Tally) -> Card:
    """The wasted cost: what bought no answer."""
    return Card(
        "Wasted",
        money(total.wasted_usd),
        "Attempts of completed generations whose answer was not used. Included in the cost.",
        change(total.wasted_usd, before.wasted_usd),
        falling_is_good=True,
        note=f"{percent(total.wasted_pct)} of the cost" if total.wasted_pct is not None else None,
    )


def per_workflow(total: Tally, before: Tally) -> Card:
    """The average cost of a workflow."""
    return Card(
        "Cost per workflow",
        money(total.cost_per_workflow_usd),
        f"Cost divided by the number of workflows: {money(total.cost_usd)} / {count(total.with_cost)}.",
        change(total.cost_per_workflow_usd, before.cost_per_workflow_usd),
        falling_is_good=True,
    )


def latency(name: str, now_ms: float | None, before_ms: float | None, meaning: str) -> Card:
    """A time in seconds."""
    return Card(name, seconds(now_ms), meaning, change(now_ms, before_ms), falling_is_good=True)


def p95(current: LatencySummary, before: LatencySummary) -> Card:
    """The time within which 95 % of workflows are ready."""
    card = latency(
        "Time (P95)",
        current.p95,
        before.p95,
        "95 % of workflows were ready within this time, failed attempts included.",
    )
    return card if current.p50 is None else card.noted(f"median {seconds(current.p50)}")
