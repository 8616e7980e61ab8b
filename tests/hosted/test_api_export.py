"""The audit log goes out as CSV, whole, filtered, and without formulas."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from tests.hosted.api_rig import api_fixture, console_fixture, desk_fixture, models_fixture, rows, serve_fixture
from tests.hosted.audit_events import EVENTS, exported, platform_fixture, run, sent
from tests.queries.conftest import append

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "platform_fixture", "serve_fixture"]

COLUMNS = (
    "id", "timestamp", "action", "severity", "actor", "actor_id", "entity_type", "entity_id", "resource_name",
    "changes", "details", "compliance_flags", "ip_address", "user_agent", "session_id",
)  # fmt: skip
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
