"""Runs of agents come in, and the audit log goes out as CSV."""

from __future__ import annotations

import csv
import json
import unicodedata
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4, uuid5

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
from tests.queries.conftest import append

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

EVENTS = "/audit-events"
LOGGED = """
select id::text, action, entity_type, entity_id, actor_id, user_id::text, severity, compliance_flags, details, timestamp
from public.audit_logs where action like 'AGENT_EXECUTION%' order by entity_id
"""
COLUMNS = (
    "id", "timestamp", "action", "severity", "actor", "actor_id", "entity_type", "entity_id", "resource_name",
    "changes", "details", "compliance_flags", "ip_address", "user_agent", "session_id",
)  # fmt: skip
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
FORMULAS = (
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\uff1d1+1",
    "\u200b=1+1",
    '"=1+1',
    "harmless;=1+1",
)


def run(agent: str, **values: Any) -> dict[str, Any]:
    """A run of an agent that went well."""
    return {"action": "AGENT_EXECUTION_COMPLETED", "agent_id": agent} | values


def sent(api: httpx.Client, token: str, *events: dict[str, Any]) -> httpx.Response:
    """The answer to a batch; values that have no JSON form of their own are sent as Python writes them."""
    return api.post(
        EVENTS, content=json.dumps({"events": events}), headers=bearer(token) | {"content-type": "application/json"}
    )


@pytest.fixture(name="platform")
def platform_fixture(store: PooledStore) -> str:
    """The token of the platform that runs the agents."""
    return token_of(store, "events", name="the platform")


def exported(api: httpx.Client, **filters: str) -> list[dict[str, str]]:
    """The rows of an export."""
    answer = api.get(EVENTS, params=filters)
    assert answer.status_code == 200, answer.text
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(StringIO(text[1:], newline="")))


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


def test_all_pages_are_exported(api: httpx.Client, owner: psycopg.Connection) -> None:
    """2,500 events, many of the same moment, arrive once each, the latest first."""
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    ids = [str(UUID(int=number)) for number in range(2_500)]
    at = [begin + timedelta(minutes=number // 700) for number in range(2_500)]
    append(
        owner,
        [
            {"id": each, "timestamp": when.isoformat(), "action": "FROM_BEFORE", "entity_id": each}
            for each, when in zip(ids, at, strict=True)
        ],
    )
    found = exported(api, action="FROM_BEFORE")
    times = [row["timestamp"] for row in found]

    assert len(found) == 2_500
    assert {row["id"] for row in found} == set(ids)
    assert times == sorted(times, reverse=True)
    assert times[0] == at[-1].isoformat()
    assert tuple(found[0]) == COLUMNS


def test_a_page_that_is_exactly_full(api: httpx.Client, owner: psycopg.Connection) -> None:
    """A thousand events fill one page, and nothing follows twice."""
    append(owner, [{"id": str(UUID(int=number)), "action": "FROM_BEFORE"} for number in range(1_000)])

    assert len({row["id"] for row in exported(api, action="FROM_BEFORE")}) == 1_000
    assert len(exported(api, action="FROM_BEFORE")) == 1_000


@pytest.mark.parametrize("column", ["resource_name", "user_agent", "entity_id", "actor_id", "session_id", "ip_address"])
def test_no_cell_is_a_formula(api: httpx.Client, owner: psycopg.Connection, column: str) -> None:
    """Whatever somebody wrote into an event, a spreadsheet shows it as text, whichever separator it goes by."""
    append(owner, [{"id": str(uuid4()), "action": "STRANGE", column: formula} for formula in FORMULAS])
    found = exported(api, action="STRANGE")

    assert len(found) == len(FORMULAS)
    for row in found:
        cells = [cell for value in row.values() for cell in value.split(";")]
        assert not any(looks_like_a_formula(cell) for cell in cells), row
        assert not any(letter in row[column] for letter in "\r\n\t")
        assert row[column].replace("'", "").strip() in {plain(formula) for formula in FORMULAS}


def looks_like_a_formula(cell: str) -> bool:
    """Whether a spreadsheet could take this cell for one."""
    visible = "".join(letter for letter in cell if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", visible).lstrip(' "').startswith(("=", "+", "-", "@"))


def plain(formula: str) -> str:
    """A formula without quotes and space around it, as the test compares it."""
    return formula.replace("'", "").strip()


def test_quotes_and_separators_survive(api: httpx.Client, owner: psycopg.Connection) -> None:
    """Names in any script, and JSON with quotes, come back whole."""
    details = {"reason": 'she said "no", twice', "count": 3}
    names = ['a "quoted", name', "名前", "naïve 🎉"]
    append(
        owner,
        [{"id": str(uuid4()), "action": "NAMED", "resource_name": name, "details": details} for name in names],
    )
    found = exported(api, action="NAMED")

    assert {row["resource_name"] for row in found} == set(names)
    assert all(json.loads(row["details"]) == details for row in found)


def test_an_export_leaves_a_trace(api: httpx.Client, owner: psycopg.Connection) -> None:
    """Who exported, with which filters, but not the words they looked for, which may be personal."""
    answer = api.get(EVENTS, params={"search": "jane@example.com", "actor": "jane", "severity": "critical"})
    trace = rows(owner, "select action, severity, user_id is not null, details from public.audit_logs")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-log.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert trace == [("AUDIT_LOG_EXPORTED", "warning", True, {"filters": {"severity": "critical"}})]


def test_an_export_can_be_filtered(api: httpx.Client, platform: str, owner: psycopg.Connection) -> None:
    """By action, severity, flag, actor, entity, words and time; the end of a span does not belong to it."""
    (token_id,) = rows(owner, "select token_id::text from private.api_tokens")
    sent(
        api,
        platform,
        run("a", timestamp="2026-01-15T00:00:00Z"),
        run("b", timestamp="2026-02-15T00:00:00Z", action="AGENT_EXECUTION_FAILED"),
        run("c", timestamp="2026-03-15T00:00:00Z"),
    )
    for filters, expected in (
        ({}, {"a", "b", "c"}),
        ({"action": "AGENT_EXECUTION_FAILED"}, {"b"}),
        ({"severity": "warning"}, {"b"}),
        ({"severity": "critical"}, set()),
        ({"flag": "SOC2"}, {"a", "b", "c"}),
        ({"flag": "GDPR"}, set()),
        ({"actor": f"token:{token_id}"}, {"a", "b", "c"}),
        ({"actor": "this.machine"}, set()),
        ({"entity": "c"}, {"c"}),
        ({"search": "exeCution_COMP"}, {"a", "c"}),
        ({"from": "2026-02-01T00:00:00Z"}, {"b", "c"}),
        ({"to": "2026-02-01T00:00:00Z"}, {"a"}),
        ({"from": "2026-01-15T00:00:00Z", "to": "2026-02-15T00:00:00Z"}, {"a"}),
        ({"from": "2026-01-15T01:00:00+01:00", "to": "2026-02-15T00:00:01Z"}, {"a", "b"}),
        ({"from": "2026-03-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, set()),
    ):
        found = exported(api, **filters)
        assert {row["entity_id"] for row in found if row["entity_type"] == "agent"} == expected, filters
    assert {row["actor"] for row in exported(api, entity="a")} == {"the platform"}


def test_an_event_without_a_timestamp_is_exported(api: httpx.Client, owner: psycopg.Connection) -> None:
    """An earlier system left some; without a span of time, all events are asked for."""
    owner.execute("insert into public.audit_logs (action, timestamp) values ('UNDATED', null)")

    assert len(exported(api, action="UNDATED")) == 1


def test_a_run_at_the_beginning_of_time(api: httpx.Client, platform: str) -> None:
    """It is refused, or can be exported like any other."""
    begin = "0001-01-01T00:00:00+14:00"
    answer = sent(api, platform, run("a", timestamp=begin))

    assert answer.status_code == 422 or "a" in {row["entity_id"] for row in exported(api, **{"from": begin})}
