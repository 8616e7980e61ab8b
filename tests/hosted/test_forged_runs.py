"""Runs are recorded as their sender's, and no event can be replaced or removed."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest

from queries.records.events import find_event
from store import InvalidInput, Json
from tests.database.calls import AuditLog
from tests.hosted.callers import SideName, World, only

FORGED_RUNS: dict[str, list[Json]] = {
    "a generation": [{"action": "WORKFLOW_GENERATED", "agent_id": "a", "details": {"cost_usd": 0}}],
    "a role": [{"action": "CONSOLE_ROLE_CHANGED", "agent_id": "a"}],
    "in small letters": [{"action": "agent_execution_failed", "agent_id": "a"}],
    "with a space": [{"action": "AGENT_EXECUTION_FAILED ", "agent_id": "a"}],
    "no action": [{"agent_id": "a"}],
    "no agent": [{"action": "AGENT_EXECUTION_FAILED"}],
    "a blank agent": [{"action": "AGENT_EXECUTION_FAILED", "agent_id": " "}],
    "one forged among many": [
        {"action": "AGENT_EXECUTION_FAILED", "agent_id": "a"}, {"action": "SYSTEM_CONFIG_UPDATED", "agent_id": "a"},
    ],
    "a text as its error": [{"action": "AGENT_EXECUTION_FAILED", "agent_id": "a", "error_code": "Dear admin, call me"}],
    "no run": [],
    "1,001 runs": [{"action": "AGENT_EXECUTION_COMPLETED", "agent_id": "a"}] * 1001,
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED_RUNS)
@pytest.mark.parametrize("name", ["machine", "token events"])
def test_only_runs_are_recorded_as_runs(world: World, world_owner: psycopg.Connection, name: str, forged: str) -> None:
    """All of a batch or nothing."""
    log = AuditLog(world_owner)
    with pytest.raises(InvalidInput):
        world.database("hosted", name).call("record_executions", p_executions=FORGED_RUNS[forged])
    assert log.changes() == []


@pytest.mark.parametrize("side", ["embedded", "hosted"])
def test_a_run_is_its_senders(world: World, world_owner: psycopg.Connection, side: SideName) -> None:
    """Whatever it says about its user, severity, flags, or about being sample data that may be removed."""
    run_id, admin = str(uuid4()), world.callers["admin"].identity.user_id
    run: dict[str, Json] = {
        "id": run_id, "action": "AGENT_EXECUTION_FAILED", "agent_id": "a", "timestamp": "2999-01-01T00:00:00Z",
        "user_id": admin, "actor_id": admin, "severity": "critical", "entity_type": "person", "changes": {"a": 1},
        "compliance_flags": [], "details": {"sample": True}, "sample": True, "error_code": "E1",
    }  # fmt: skip
    assert world.database(side, "token events").call("record_executions", p_executions=[run]) == {"recorded": 1}

    query = "select to_jsonb(a), a.timestamp <= now() from public.audit_logs as a where id = %s"
    event, is_past = only(world_owner, query, run_id)
    assert (event["user_id"], event["actor_id"]) == (None, world.callers["token events"].actor_id)
    assert (event["entity_type"], event["severity"], event["changes"]) == ("agent", "warning", None)
    assert (event["compliance_flags"], event["details"], is_past) == (["SOC2"], {"error_code": "E1"}, True)


@pytest.mark.parametrize("at", ["-infinity", "4000-01-01T00:00:00+00:00 BC", "0001-01-01T00:00:00+14:00"])
def test_a_run_can_be_read_afterwards(world: World, at: str) -> None:
    """The log is append-only, so an event that nobody can open would stay for ever."""
    run_id = uuid4()
    run: Json = {"id": str(run_id), "action": "AGENT_EXECUTION_FAILED", "agent_id": "a", "timestamp": at}
    with suppress(InvalidInput):
        world.database("hosted", "token events").call("record_executions", p_executions=[run])
        assert find_event(world.database("hosted", "admin"), run_id) is not None


def test_an_event_is_not_replaced_by_one_with_its_id(world: World, world_owner: psycopg.Connection) -> None:
    """The id of an earlier event is skipped, whoever wrote that."""
    log = AuditLog(world_owner)
    (known,) = only(world_owner, "select id::text from public.audit_logs order by timestamp limit 1")
    run: Json = {"id": known, "action": "AGENT_EXECUTION_FAILED", "agent_id": "a"}
    answer = world.database("hosted", "token events").call("record_executions", p_executions=[run])
    assert answer == {"recorded": 0}
    assert log.changes() == []


def test_removing_the_sample_data_removes_nothing_else(world: World, world_owner: psycopg.Connection) -> None:
    """Not even by an admin."""
    log = AuditLog(world_owner)
    world.database("hosted", "admin").call("remove_sample_data")
    assert log.changes() == ["SAMPLE_DATA_REMOVED"]


@pytest.mark.parametrize("statement", ["delete from public.audit_logs", "update public.audit_logs set details = '{}'"])
def test_no_switch_makes_events_removable(world_owner: psycopg.Connection, statement: str) -> None:
    """What lets sample data go lets no other event go, and lets none be changed."""
    with world_owner.transaction():
        world_owner.execute("set local console.removes_sample = 'on'")
        with pytest.raises(psycopg.Error, match="append-only"), world_owner.transaction():
            world_owner.execute(statement.encode())
