"""Shortcuts for calls that the tests of both sides make."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import psycopg

from store import Json
from tests.database.gateway import Person
from tests.database.sides import MACHINE, Side

SECRET = "a secret that was sent"
GENERATION_ID = "00000000-0000-4000-8000-0000000000aa"


class AuditLog:
    """The audit log compared with its state before the test."""

    def __init__(self, owner: psycopg.Connection) -> None:
        self._owner = owner
        self._before = self._rows()

    def changes(self) -> list[str]:
        """The actions of new events; fails if an earlier event has changed or gone."""
        now = self._rows()
        assert self._before.items() <= now.items()
        return [action for key, (action, _) in now.items() if key not in self._before]

    def rows_of(self, generation_id: str) -> list[dict[str, Any]]:
        """The events of a generation, as objects by column name."""
        query = "select to_jsonb(a) from public.audit_logs as a where details ->> 'generation_id' = %s"
        return [row for (row,) in self._owner.execute(query, [generation_id]).fetchall()]

    def _rows(self) -> dict[str, tuple[str, str]]:
        rows = self._owner.execute("select id::text, action, to_jsonb(a)::text from public.audit_logs as a")
        return {key: (action, text) for key, action, text in rows}


def an_event(action: str, **details: Json) -> dict[str, Json]:
    """An event of a generation as the orchestrator sends it."""
    attempt = {"model": "gpt-4o-mini", "outcome": "succeeded", "cost_usd": 0.001, "duration_ms": 5}
    told = {"attempts": [attempt], "cost_usd": 0.001, "generator_used": "gpt-4o-mini"}
    return {"id": str(uuid4()), "action": action, "details": told | details}  # type: ignore[dict-item]  # told is JSON


def start_generation(
    side: Side,
    person: Person,
    *,
    limit_s: int = 600,
    events_if_interrupted: Json = None,
    agent_id: str | None = None,
) -> str:
    """Start a generation of this person; returns its id."""
    generation_id = str(uuid4())
    run = {
        "generation_id": generation_id,
        "user_id": person.user_id,
        "agent_id": agent_id,
        "origin": "cli",
        "prompt": 'Ask ‘why?’ 👍\n"שלום"',
        "services": ["gmail", "a,b"],
        "events_if_interrupted": events_if_interrupted,
    }
    assert side.seen_by(MACHINE).call("start_generation", p_generation=json.dumps(run), p_limit_s=limit_s) == {}
    return generation_id


def a_record() -> str:
    """What the orchestrator records at the end of a generation."""
    return json.dumps(
        {
            "status": "succeeded",
            "generator_used": "gpt-4o-mini",
            "pilot_steps": [{"id": "1", "operation": "Say ‘hi’", "step_type": "transform"}],
            "finished_at": "2026-11-22T12:00:00.5+01:00",
            "events": [an_event("WORKFLOW_GENERATED")],
        }
    )


def field_of(answer: Json, name: str) -> Json:
    """One field of an object."""
    assert isinstance(answer, dict)
    return answer[name]
