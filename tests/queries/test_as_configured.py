"""Rates with a target leave out generations with overrides or a forced failure; money does not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from orchestrator.models.estimate import UnitCosts, month
from queries.cost import read_cost
from queries.fallbacks import read_fallbacks
from queries.filters import Filters
from queries.period import Period, period
from queries.quality import read_quality
from queries.report import read_report
from queries.rollout import read_rollout
from queries.unit_costs import measured_costs
from tests.conftest import PooledStore
from tests.queries.conftest import BEGIN, FIRST, LAST, append
from tests.queries.stories import CLAUDE, MINI, generation


def executed(action: str) -> dict[str, Any]:
    """A run of the agent after its latest workflow."""
    return {
        "id": uuid4(), "timestamp": BEGIN + timedelta(hours=1), "action": action, "entity_type": "agent",
        "entity_id": "a", "details": {},
    }  # fmt: skip


def daily_costs(store: PooledStore, days: Period) -> dict[Any, Any]:
    """The costs of the only day, by generator."""
    daily = read_cost(store.person(), days, Filters()).daily
    return dict(daily.set_index("generator").to_dict("index"))


@pytest.fixture(name="days")
def days_fixture(owner: psycopg.Connection) -> Period:
    """Days with 97 direct answers, 3 fallbacks, and 20 fallbacks with overrides."""
    refused = [generation(reason="validation_failed") for _ in range(2)]
    tried = [generation(reason="validation_failed", overridden=True) for _ in range(20)]
    append(owner, [*(generation() for _ in range(97)), *refused, generation(reason="timeout"), *tried])
    return period(FIRST, LAST, "UTC")


def test_every_fallback_rate_is_the_same(store: PooledStore, days: Period) -> None:
    """On the card, on the chart and in every breakdown."""
    report = read_fallbacks(store.person(), days, Filters())
    day = report.daily[report.daily["completed"] > 0].iloc[0]

    assert report.total.as_configured.fallback.pct == day["rate_pct"] == 3
    assert (day["completed"], day["fallbacks"], day["validation_failed"], day["timeout"]) == (100, 3, 2, 1)
    for frame in (report.by_primary, report.by_steps, report.by_services):
        assert frame[["completed", "fallbacks"]].to_numpy().tolist() == [[100, 3]]


def test_the_page_of_quality_and_the_command_agree(store: PooledStore, owner: psycopg.Connection, days: Period) -> None:
    """Rate by rate, for each model and overall; both leave out overridden generations."""
    append(owner, [executed("AGENT_EXECUTION_COMPLETED"), executed("AGENT_EXECUTION_FAILED")])
    told = read_report(store.person(), days, Filters())["as_configured"]
    keys = {
        "success": "success_rate_pct", "regeneration": "regeneration_rate_pct", "validation": "validation_success_pct",
        "api_errors": "api_error_rate_pct", "execution": "execution_success_pct", "satisfaction": "satisfaction_pct",
    }  # fmt: skip
    quality = read_quality(store.person(), days, Filters())
    shown = [one for one in (*quality.overall, *quality.models) if one.name in keys]

    assert told["by_generator"][MINI]["validation_success_pct"] == pytest.approx(100 * 97 / 99)
    assert {one.model for one in shown} == {None, *told["by_generator"]}
    for one in shown:
        given = (told["by_generator"][one.model] if one.model else told)[keys[one.name]]
        assert given == (None if one.rate.pct is None else pytest.approx(float(one.rate.pct))), one


def test_what_fallbacks_cost_holds_all_of_them(store: PooledStore, days: Period) -> None:
    """Money was spent, whoever chose the models."""
    reasons = read_fallbacks(store.person(), days, Filters()).reasons.set_index("reason")

    assert reasons["fallbacks"].to_dict() == {
        "validation_failed": 22, "api_error": 0, "timeout": 1, "rate_limit": 0,
    }  # fmt: skip
    assert reasons["cost_usd"].sum() == Decimal("0.69")
    assert sum(reasons["share_pct"]) == 100


def test_the_rollout_judges_the_cheaper_models_replies(store: PooledStore, days: Period) -> None:
    """The fallback's own replies do not count, and a timeout is not a reply."""
    report = read_rollout(store.person(), days, Filters(), expensive={CLAUDE})

    assert (report.replies.part, report.replies.whole) == (97, 99)
    assert report.left_out == 20


def test_the_rollout_leaves_out_what_asked_the_baseline_first(
    store: PooledStore, owner: psycopg.Connection, days: Period
) -> None:
    """Workflows from a time when the primary was rolled back would make the cheaper model look safe."""
    alone: dict[str, Any] = {
        "generator_used": CLAUDE,
        "attempts": [{"model": CLAUDE, "outcome": "succeeded", "duration_ms": 4000}],
    }
    append(owner, [generation(**alone) for _ in range(300)])
    report = read_rollout(store.person(), days, Filters(), expensive={CLAUDE})

    assert (report.total.fallback.part, report.total.fallback.whole) == (3, 100)
    assert report.expensive_first == 300
    assert report.advice == ("wait",)


def test_where_no_second_model_is_asked_failures_count(
    store: PooledStore, owner: psycopg.Connection, days: Period
) -> None:
    """Nothing falls back then, but that does not speak for the cheap model."""
    failed = {"action": "WORKFLOW_GENERATION_FAILED"}
    append(owner, [generation() for _ in range(900)])
    assert read_rollout(store.person(), days, Filters(), expensive={CLAUDE}).advice == ("consider_dropping",)
    append(owner, [generation() | failed for _ in range(60)])
    report = read_rollout(store.person(), days, Filters(), expensive={CLAUDE})

    assert (report.phase, report.advice) == ("soft_launch", ("look_at_failures",))


def test_the_estimate_starts_from_the_same_rate(store: PooledStore, days: Period) -> None:
    """It also starts from the costs of the same generations."""
    averages = measured_costs(read_cost(store.person(), days, Filters(), CLAUDE).all_generators, {CLAUDE})

    assert averages is not None
    assert (averages.rate_pct, averages.workflows) == (Decimal(3), 100)
    assert averages.fallback_usd == Decimal("0.03")


def test_the_estimate_measures_rate_and_prices_on_the_same_workflows(
    store: PooledStore, owner: psycopg.Connection, days: Period
) -> None:
    """Those with a known cost and baseline; at the measured rate, the formula gives their actual cost."""
    append(owner, [generation(baseline_cost_usd="unknown", reason="timeout") for _ in range(9)])
    total = read_cost(store.person(), days, Filters()).all_generators
    averages = measured_costs(total, {CLAUDE})

    assert averages is not None
    assert averages.rate_pct == 3
    costs = UnitCosts(averages.direct_usd, averages.fallback_usd, averages.baseline_usd)
    assert month(costs, 100, averages.rate_pct).cost_usd == total.as_configured.compared_cost_usd


def test_cost_is_divided_only_where_waste_is_known(store: PooledStore, owner: psycopg.Connection, days: Period) -> None:
    """One generation with unknown waste is enough to leave that day's cost undivided."""
    before = daily_costs(store, days)
    append(owner, [generation(wasted_cost_usd="unknown")])
    after = daily_costs(store, days)

    assert before[CLAUDE]["answers_usd"] + before[CLAUDE]["wasted_usd"] == before[CLAUDE]["cost_usd"]
    assert after[MINI]["answers_usd"] is None
    assert after[MINI]["cost_usd"] == before[MINI]["cost_usd"] + Decimal("0.001")


def test_the_bridge_does_not_pass_unknown_waste_for_none(
    store: PooledStore, owner: psycopg.Connection, days: Period
) -> None:
    """Answers and waste are then one step, and no share of the cost is called waste."""
    before = read_cost(store.person(), days, Filters())
    append(owner, [generation(wasted_cost_usd="unknown")])
    after = read_cost(store.person(), days, Filters())

    assert before.bridge["step"].tolist() == ["baseline", "answers", "waste", "cost"]
    assert after.bridge["step"].tolist() == ["baseline", "both", "cost"]
    assert sum(after.bridge["usd"][:2]) == after.bridge["usd"][2]
    assert before.total.wasted_pct is not None
    assert after.total.wasted_pct is None
