"""Runs of agents come in as events of the platform that sends them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4, uuid5

import httpx
import psycopg
import pytest

from server.api.order import _NAMESPACE
from tests.conftest import PooledStore
from tests.hosted.api_rig import (
    BODY,
    ROUTE,
    api_fixture,
    bearer,
    console_fixture,
    desk_fixture,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
    token_of,
)
from tests.hosted.audit_events import EVENTS, exported, platform_fixture, run, sent

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "platform_fixture", "serve_fixture"]

LOGGED = """
select id::text, action, entity_type, entity_id, actor_id, user_id::text, severity, compliance_flags, details, timestamp
from public.audit_logs where action like 'AGENT_EXECUTION%' order by entity_id
"""
BAD = (
    {"action": "WORKFLOW_GENERATED"},
    {"action": "agent_execution_failed"},
    {"agent_id": None},
    {"agent_id": ""},
    {"agent_id": " \t"},
    {"agent_id": "x" * 101},
    {"agent_id": "a\x00"},
    {"id": "seven"},
    {"timestamp": "yesterday"},
    {"duration_ms": -1},
    {"duration_ms": 1e12},
    {"duration_ms": "long"},
    {"error_code": "it broke, sadly"},
    {"error_code": "timeout\n"},
    {"actor_id": "somebody else"},
    {"details": {"sample": True}},
)


def test_a_batch_is_recorded(api: httpx.Client, platform: str, store: PooledStore, owner: psycopg.Connection) -> None:
    """Each run is one event about its agent, attributed to the token, with nothing that was not sent."""
    (token_id,) = rows(owner, "select token_id::text from private.api_tokens")
    chosen = str(uuid4())
    answer = sent(
        api,
        platform,
        run("a", id=chosen, duration_ms=1234.5),
        run(" b ", action="AGENT_EXECUTION_FAILED", error_code="timeout", timestamp="2026-01-02T03:04:05+02:00"),
        run("c"),
    )
    first, second, third = rows(owner, LOGGED)

    assert (answer.status_code, answer.json()) == (200, {"recorded": 3})
    assert {row[4] for row in (first, second, third)} == {f"token:{token_id}"}
    assert {row[5] for row in (first, second, third)} == {None}
    assert first[:4] == (chosen, "AGENT_EXECUTION_COMPLETED", "agent", "a")
    assert first[6:9] == ("info", ["SOC2"], {"duration_ms": 1234.5})
    assert (second[1], second[3]) == ("AGENT_EXECUTION_FAILED", "b")
    assert (second[6], second[8]) == ("warning", {"error_code": "timeout"})
    assert second[9] == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert third[8] == {}


def test_runs_count_for_the_model_that_wrote_the_workflow(api: httpx.Client, platform: str) -> None:
    """Three of four runs went well: 75 %, in the report of the same API."""
    api.post(ROUTE, json=BODY)
    failed = run("agent-1", action="AGENT_EXECUTION_FAILED", error_code="timeout")
    sent(api, platform, *[run("agent-1")] * 3, failed, run("an agent of another system"))
    figures = api.get("/report").json()["by_generator"]

    assert figures["gpt-4o-mini"]["execution_success_pct"] == 75


def test_one_bad_run_spoils_the_batch(api: httpx.Client, platform: str, owner: psycopg.Connection) -> None:
    """It is refused with 422, and nothing of it is written."""
    for bad in BAD:
        assert problem_in(sent(api, platform, run("a"), run("b") | bad, run("c")))[0] == 422, bad
    assert rows(owner, LOGGED) == []


def test_a_batch_has_one_to_a_thousand_runs(api: httpx.Client, platform: str, owner: psycopg.Connection) -> None:
    """None and one too many are refused; a thousand are recorded."""
    for count in (0, 1_001):
        assert problem_in(sent(api, platform, *[run("a")] * count)) == (422, "invalid_request")
    assert rows(owner, LOGGED) == []
    assert sent(api, platform, *[run("a")] * 1_000).json() == {"recorded": 1_000}


def test_the_same_ids_again(api: httpx.Client, platform: str, owner: psycopg.Connection) -> None:
    """A batch can be sent again, whatever was added to it: what is in the log already stays as it is."""
    batch = [run("a", id=str(uuid4())), run("b", id=str(uuid4())), run("c", id=str(uuid4()))]
    counts = [sent(api, platform, *batch).json()["recorded"] for _ in range(2)]
    changed = [event | {"agent_id": "somebody else's"} for event in batch]
    more = sent(api, platform, *changed, run("d"), run("e", id=batch[0]["id"].upper()))

    assert counts == [3, 0]
    assert more.json() == {"recorded": 1}
    assert [row[3] for row in rows(owner, LOGGED)] == ["a", "b", "c", "d"]


def test_the_same_id_twice_in_one_batch(api: httpx.Client, platform: str) -> None:
    """It is one run."""
    twin = run("a", id=str(uuid4()))

    assert sent(api, platform, twin, twin, run("b")).json() == {"recorded": 2}


@pytest.mark.parametrize("at", ["2999-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_a_timestamp_in_the_future_becomes_now(
    api: httpx.Client, platform: str, owner: psycopg.Connection, at: str
) -> None:
    """A host's clock may be wrong; the log's order is not."""
    (before,) = rows(owner, "select clock_timestamp()")
    assert sent(api, platform, run("a", timestamp=at)).json() == {"recorded": 1}
    (after,) = rows(owner, "select clock_timestamp()")

    ((*_, timestamp),) = rows(owner, LOGGED)
    assert before <= timestamp <= after


def test_no_run_can_take_the_place_of_an_event_to_come(
    api: httpx.Client, store: PooledStore, owner: psycopg.Connection
) -> None:
    """The ids of a generation's events follow from its key; whoever sends runs cannot make its bill disappear."""
    token = token_of(store, "events", "generate")
    (token_id,) = rows(owner, "select token_id::text from private.api_tokens")
    generation_id = uuid5(_NAMESPACE, f"token:{token_id} order-7")
    assert sent(api, token, run("a", id=str(uuid5(generation_id, "WORKFLOW_GENERATED")))).json() == {"recorded": 1}
    answer = api.post(ROUTE, json=BODY, headers=bearer(token) | {"idempotency-key": "order-7"})

    assert answer.json()["generation_id"] == str(generation_id)
    assert rows(owner, "select count(*) from public.audit_logs where action = 'WORKFLOW_GENERATED'") == [1]
    assert api.get("/report").json()["generations"] == 1


def test_only_the_platform_sends_runs(api: httpx.Client, store: PooledStore) -> None:
    """Neither an admin nor a token with another scope."""
    for headers in ({}, bearer(token_of(store, "report", "generate"))):
        assert problem_in(api.post(EVENTS, json={"events": [run("a")]}, headers=headers)) == (403, "not_permitted")


def test_a_run_at_the_beginning_of_time(api: httpx.Client, platform: str) -> None:
    """It is refused, or can be exported like any other."""
    begin = "0001-01-01T00:00:00+14:00"
    answer = sent(api, platform, run("a", timestamp=begin))

    assert answer.status_code == 422 or "a" in {row["entity_id"] for row in exported(api, **{"from": begin})}
