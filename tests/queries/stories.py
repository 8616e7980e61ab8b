"""Events to build logs from."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from queries.filters import Filters
from queries.period import period
from queries.report import read_report
from tests.conftest import PooledStore
from tests.queries.conftest import BEGIN, FIRST, LAST

MINI, CLAUDE = "gpt-4o-mini", "claude-sonnet-4"


def report(store: PooledStore, first: date = FIRST, last: date = LAST, zone: str = "UTC") -> dict[str, Any]:
    """The report of some days, for all sources."""
    return read_report(store.person(), period(first, last, zone), Filters())


def elsewhere(action: str, at: datetime, details: dict[str, Any], agent: str = "a-1") -> dict[str, Any]:
    """An event of another system."""
    return {
        "id": uuid4(),
        "timestamp": at,
        "action": action,
        "entity_type": "agent",
        "entity_id": agent,
        "details": details,
    }


def generated(at: datetime, generator: str = MINI, agent: str = "a-1", **details: Any) -> dict[str, Any]:
    """A workflow that another system generated."""
    made = {"generator_used": generator, "cost_usd": Decimal("0.0012"), "tokens_used": {"input": 2000, "output": 1500}}
    return elsewhere("WORKFLOW_GENERATED", at, made | details, agent)


def generation(*, reason: str | None = None, overridden: bool = False, **details: Any) -> dict[str, Any]:
    """A completed generation that asked gpt-4o-mini first."""
    first = {"model": MINI, "outcome": reason or "succeeded", "duration_ms": 900}
    second = [{"model": CLAUDE, "outcome": "succeeded", "duration_ms": 4000}] if reason else []
    told = {
        "generation_id": uuid4(),
        "overridden": overridden,
        "generator_used": CLAUDE if reason else MINI,
        "steps_generated": 3,
        "services": 1,
        "attempts": [first, *second],
        "cost_usd": Decimal("0.03") if reason else Decimal("0.001"),
        "wasted_cost_usd": Decimal("0.001") if reason else 0,
        "baseline_cost_usd": Decimal("0.029"),
    } | ({"fallback_reason": reason} if reason else {})
    return {
        "id": uuid4(), "timestamp": BEGIN, "action": "WORKFLOW_GENERATED", "entity_type": "agent", "entity_id": "a",
        "details": told | details,
    }  # fmt: skip
