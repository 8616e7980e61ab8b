"""Pages with events that say little: unknown values are shown as unknown, and nothing breaks."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.conftest import NOW, PooledStore
from tests.pages.conftest import PAGES, OpenPage, said

FIGURES = sorted(set(PAGES) - {"playground.py", "settings.py"})
MINI = "gpt-4o-mini"
FAILED = {"generation_id": "a", "wasted_cost_usd": 0.001, "attempts": [{"model": MINI, "outcome": "timeout"}]}
SILENT = {"generator_used": MINI, "steps_generated": 3}


def happened(owner: psycopg.Connection, action: str, details: dict[str, Any]) -> None:
    """Append an event at the current time."""
    owner.execute(
        "insert into public.audit_logs (timestamp, action, entity_type, details) values (%s, %s, 'agent', %s)",
        [NOW, action, json.dumps({"simulated": True} | details)],
    )


@pytest.mark.parametrize("file", FIGURES)
@pytest.mark.parametrize(
    ("action", "details"), [("WORKFLOW_GENERATION_FAILED", FAILED), ("WORKFLOW_GENERATED", SILENT)]
)
def test_one_event_that_says_little(
    open_page: OpenPage, owner: psycopg.Connection, file: str, action: str, details: dict[str, Any]
) -> None:
    """Nothing completed, or no cost and no time: a chart with nothing to draw says so."""
    happened(owner, action, details)
    page = open_page(file)

    assert not page.exception
    assert not page.error
    if details is SILENT and file in ("cost.py", "latency.py"):
        assert any("Nothing to draw" in text for text in said(page.caption))


@pytest.mark.parametrize("file", ["cost.py", "fallbacks.py", "latency.py", "quality.py"])
def test_a_model_that_was_not_asked(sample: PooledStore, open_page: OpenPage, file: str) -> None:
    """Its page is empty, not broken."""
    page = open_page(file, model="claude-sonnet-4-6", period="days", days="2026-10-22..2026-11-20")

    assert not page.exception
    assert not page.error


@pytest.mark.parametrize("days", ["2045-01-01..2045-01-02", "9000-01-01..9000-01-02", "1975-01-01..1975-01-02"])
def test_days_far_away(open_page: OpenPage, days: str) -> None:
    """Those that can be chosen give an empty page; the others are ignored with a warning."""
    page = open_page("fallbacks.py", period="days", days=days)

    assert not page.exception
    assert not page.error
    assert any("Ignored invalid values" in text for text in said(page.warning)) == (not days.startswith("1975"))
