"""The machine identity records the known events of generations it started, with plausible figures, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from store import InvalidInput, Json
from tests.database.calls import GENERATION_ID, AuditLog, a_record, an_event, start_generation
from tests.database.sides import ADMIN, COLLEAGUE, ENGINEER, MACHINE, Side

Change = Callable[[dict[str, Any]], object]


def finished(side: Side, generation_id: str, outcome: str) -> Json:
    """Record the end of a generation as the machine."""
    return side.seen_by(MACHINE).call("finish_generation", p_generation_id=generation_id, p_record=outcome)


def of(**details: Json) -> Change:
    """Change the details of the only event."""
    return lambda outcome: outcome["events"][0]["details"].update(details)


def attempt(**fields: Json) -> Change:
    """Change its only attempt."""
    return lambda outcome: outcome["events"][0]["details"]["attempts"][0].update(fields)


def more(*events: dict[str, Any]) -> Change:
    """Add events."""
    return lambda outcome: outcome["events"].extend(events)


FORGED: dict[str, Change] = {
    "settings": lambda outcome: outcome["events"][0].update(action="SYSTEM_CONFIG_UPDATED"),
    "a rating": more(an_event("WORKFLOW_RATED", score=1)),
    "an action of its own": more(an_event("WORKFLOW_THOUGHT_OF")),
    "two ends": more(an_event("WORKFLOW_GENERATION_FAILED")),
    "two fallbacks": more(an_event("WORKFLOW_GENERATION_FALLBACK"), an_event("WORKFLOW_GENERATION_FALLBACK")),
    "10,000 events": more(*(an_event("WORKFLOW_GENERATED") for _ in range(10_000))),
    "no event": lambda outcome: outcome.update(events=[]),
    "no list": lambda outcome: outcome.update(events={}),
    "a status of its own": lambda outcome: outcome.update(status="interrupted"),
    "NaN dollars": of(cost_usd="NaN"),
    "dollars below 0": of(cost_usd=-5),
    "an attempt that gives dollars back": attempt(cost_usd=-5),
    "a million dollars": of(cost_usd=1_000_001),
    "waste below 0": of(wasted_cost_usd=-0.1),
    "more than the attempts cost": of(cost_usd=0.002),
    "no attempts": of(attempts=None),
    "a model that is none": attempt(model=""),
    "an unknown outcome": attempt(outcome="lucky"),
    "a week": of(generation_time_ms=7 * 86_400_000),
    "51 steps": of(steps_generated=51),
    "a megabyte": of(note="x" * 1_000_000),
}


@pytest.mark.parametrize("forged", FORGED)
def test_nothing_else_is_recorded(side: Side, audit_log: AuditLog, forged: str) -> None:
    """It is rejected, and the generation is unchanged."""
    generation_id, outcome = start_generation(side, ENGINEER), json.loads(a_record())
    FORGED[forged](outcome)
    with pytest.raises(InvalidInput):
        finished(side, generation_id, json.dumps(outcome))

    assert audit_log.changes() == []
    assert finished(side, generation_id, a_record()) == {"status": "succeeded"}


def test_an_outcome_needs_a_start(side: Side, audit_log: AuditLog) -> None:
    """An unknown id, or that of a generation that has ended, records nothing."""
    with pytest.raises(InvalidInput):
        finished(side, str(uuid4()), a_record())
    ended = start_generation(side, ENGINEER)
    finished(side, ended, a_record())
    assert finished(side, ended, a_record()) == {"status": "succeeded"}

    assert audit_log.changes() == ["WORKFLOW_GENERATED"]


def test_a_forged_estimate_is_refused_as_well(side: Side, audit_log: AuditLog) -> None:
    """Neither at the start nor later: the estimate would go into the log once the generation is overdue."""
    forged: Json = [{"id": str(uuid4()), "action": "SYSTEM_CONFIG_UPDATED", "details": {}}]
    with pytest.raises(InvalidInput):
        start_generation(side, ENGINEER, events_if_interrupted=forged)
    generation_id = start_generation(side, ENGINEER)
    with pytest.raises(InvalidInput):
        side.seen_by(MACHINE).call(
            "note_progress", p_generation_id=generation_id, p_events_if_interrupted=json.dumps(forged), p_asked=True
        )

    assert audit_log.changes() == []


@pytest.mark.parametrize("year", [1999, 2099])
def test_who_where_and_when_are_the_runs_own(side: Side, audit_log: AuditLog, year: int) -> None:
    """Whatever the event says about its user, agent, origin, severity or time, or about being sample data."""
    generation_id, outcome = start_generation(side, ENGINEER), json.loads(a_record())
    outcome["events"][0] |= {
        "timestamp": f"{year}-01-01T00:00:00Z", "user_id": ADMIN.user_id, "actor_id": "somebody",
        "entity_type": "world", "entity_id": "x", "severity": "critical", "changes": {"a": 1}, "compliance_flags": [],
    }  # fmt: skip
    of(sample=True, simulated=True, origin="playground", overridden=True, supersedes=GENERATION_ID)(outcome)
    finished(side, generation_id, json.dumps(outcome))

    (row,) = audit_log.rows_of(generation_id)
    assert (row["user_id"], row["entity_type"], row["entity_id"]) == (ENGINEER.user_id, "agent", None)
    assert (row["severity"], row["compliance_flags"], row["changes"]) == ("info", ["SOC2"], None)
    assert not row["timestamp"].startswith(str(year))
    details = row["details"]
    assert (details["origin"], details["simulated"], details["overridden"]) == ("cli", False, False)
    assert not {"sample", "supersedes"} & details.keys()


def test_engineers_see_their_own_agents(side: Side) -> None:
    """The agents that others generate for are not visible to them."""
    arguments: dict[str, Any] = {"p_from": "2000-01-01", "p_to": "2100-01-01", "p_filters": {}, "p_limit": 50}

    def agents(person: Any) -> set[str]:
        answer: Any = side.seen_by(person).call("list_agents_with_fallbacks", **arguments)
        return {agent["agent_id"] for agent in answer["agents"]}

    generation_id, outcome = start_generation(side, COLLEAGUE, agent_id="colleague's"), json.loads(a_record())
    of(fallback_reason="timeout")(outcome)
    finished(side, generation_id, json.dumps(outcome))

    assert "colleague's" in agents(ADMIN)
    assert "colleague's" in agents(COLLEAGUE)
    assert "colleague's" not in agents(ENGINEER)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("get_figures", {"p_bounds": ["2026-01-01"] * 100_000, "p_filters": {}, "p_parts": []}),
        ("get_figures", {"p_bounds": ["2026-01-01"] * 2, "p_filters": {"source": "x" * 20_000}, "p_parts": []}),
        (
            "list_rejected_outputs",
            {"p_from": "2026-01-01", "p_to": "2026-01-02", "p_filters": {"model": "x" * 20_000}, "p_limit": 5},
        ),
        (
            "list_agents_with_fallbacks",
            {"p_from": "2026-01-01", "p_to": "2026-01-02", "p_filters": {}, "p_limit": 10**9},
        ),
    ],
)
def test_what_is_asked_is_bounded(side: Side, function: str, arguments: dict[str, Any]) -> None:
    """An immediate message, instead of the database's whole time limit."""
    with pytest.raises(InvalidInput):
        side.seen_by(ENGINEER).call(function, **arguments)
