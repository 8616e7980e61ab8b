"""No table can be written except through the functions, by anybody and in any way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psycopg
import pytest
from psycopg import sql

from store import Json
from store.embedded import cluster
from store.embedded.cluster import Cluster
from tests.database.calls import GENERATION_ID, AuditLog, a_record, start_generation
from tests.database.gateway import API_KEY, Person
from tests.database.sides import ADMIN, ENGINEER, MACHINE, STRANGER, Side


@pytest.fixture(name="http")
def http_fixture(url: str) -> Iterator[httpx.Client]:
    """A plain client of the project's REST URL with nothing but the publishable key."""
    with httpx.Client(base_url=f"{url}/rest/v1", headers={"apikey": API_KEY}, trust_env=False) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Forgery:
    """A request that would write to the audit log or to what protects it."""

    method: str
    path: str
    body: Json = None
    headers: tuple[tuple[str, str], ...] = ()


EVENT: Json = {"id": GENERATION_ID, "action": "FORGED", "details": {"sample": True}}


FORGERIES = [
    Forgery("POST", "/audit_logs", EVENT),
    Forgery("POST", "/audit_logs", [EVENT], (("prefer", "resolution=merge-duplicates"),)),
    Forgery("PUT", f"/audit_logs?id=eq.{GENERATION_ID}", EVENT),
    Forgery("PATCH", "/audit_logs?action=neq.x", {"severity": "info"}),
    Forgery("DELETE", "/audit_logs?action=neq.x"),
    Forgery("POST", "/rpc/append_events", {"events": [EVENT]}),
    Forgery("POST", "/rpc/append_events", {"events": [EVENT]}, (("content-profile", "private"),)),
    Forgery("POST", "/console_roles", {"user_id": STRANGER.user_id, "role": "orchestrator"}),
    Forgery("PATCH", "/console_roles?role=neq.x", {"role": "orchestrator"}),
    Forgery("PATCH", "/system_settings_config?key=neq.x", {"value": True}),
    Forgery("POST", "/system_settings_history", {"version": 1, "key": "a", "changed_by": "b"}),
    Forgery("DELETE", "/workflows?status=neq.x"),
    Forgery("PATCH", "/model_prices?model=neq.x", {"input_usd_per_mtok": 0}),
]


@pytest.mark.parametrize("case", FORGERIES, ids=lambda case: f"{case.method} {case.path}")
@pytest.mark.parametrize("person", [ADMIN, ENGINEER, MACHINE, STRANGER, None], ids=str)
def test_no_request_writes_a_table(
    http: httpx.Client, audit_log: AuditLog, case: Forgery, person: Person | None
) -> None:
    """Tables are read-only: the REST API writes to none of them, for any user."""
    token = {"authorization": f"Bearer {person.new_token()}"} if person else {}
    answer = http.request(case.method, case.path, json=case.body, headers=dict(case.headers) | token)
    assert answer.status_code in (401, 403, 404, 406)
    assert answer.json()["code"] in ("42501", "PGRST202", "PGRST106")
    assert audit_log.changes() == []


@pytest.mark.parametrize("person", [STRANGER, None], ids=str)
@pytest.mark.parametrize("table", ["audit_logs", "workflows", "system_settings_config", "system_settings_history"])
def test_a_table_shows_strangers_nothing(http: httpx.Client, table: str, person: Person | None) -> None:
    """Row-level security also applies to the REST API."""
    token = {"authorization": f"Bearer {person.new_token()}"} if person else {}
    answer = http.get(f"/{table}", headers=token)
    assert (answer.status_code, answer.json() if person else []) == (200 if person else 401, [])


def test_other_keys_of_the_settings_table_are_nobodys_business(
    http: httpx.Client, project_owner: psycopg.Connection
) -> None:
    """An earlier system may store secrets next to the three system keys."""
    project_owner.execute(
        "insert into public.system_settings_config (key, value) values ('smtp_password', '\"s3cret\"')"
    )
    try:
        token = {"authorization": f"Bearer {ENGINEER.new_token()}"}
        shown = http.get("/system_settings_config?select=key", headers=token).json()
    finally:
        project_owner.execute("delete from public.system_settings_config where key = 'smtp_password'")

    assert sorted(row["key"] for row in shown) == [
        "orchestrator_enable_fallback", "orchestrator_fallback_model", "orchestrator_primary_model",
    ]  # fmt: skip


STATEMENTS = [
    "insert into public.audit_logs (action) values ('FORGED')",
    "update public.audit_logs set severity = 'info'",
    "delete from public.audit_logs",
    "truncate public.audit_logs",
    "copy public.audit_logs from stdin",
    "alter table public.audit_logs disable trigger all",
    "drop table public.audit_logs",
    "select private.append_events('[]')",
    "select private.close_overdue()",
    "insert into public.console_roles (user_id, role) values (gen_random_uuid(), 'admin')",
    "update public.system_settings_config set value = 'true'",
    "delete from public.workflows",
    "create table public.mine (n integer)",
    "create function private.mine() returns integer language sql as 'select 1'",
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_no_statement_of_a_request_role_writes_a_table(
    server: Cluster, project: str, audit_log: AuditLog, role: str, statement: str
) -> None:
    """The same on the embedded side: grants stop it before any policy does."""
    with psycopg.connect(server.dsn(cluster.AUTHENTICATOR, project)) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
    assert audit_log.changes() == []


@pytest.mark.parametrize("statement", [STATEMENTS[1], STATEMENTS[2], STATEMENTS[3]])
def test_even_the_owner_changes_no_past_event(
    project_owner: psycopg.Connection, embedded_side: Side, statement: str
) -> None:
    """The log is append-only even for the user who runs the migrations."""
    machine = embedded_side.seen_by(MACHINE)
    machine.call("finish_generation", p_generation_id=start_generation(embedded_side, ENGINEER), p_record=a_record())
    with pytest.raises(psycopg.Error, match="append-only"):
        project_owner.execute(statement.encode())
