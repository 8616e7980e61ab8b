"""PostgREST writes no table and serves no other schema, whoever asks."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from tests.database.calls import AuditLog
from tests.hosted.callers import World


@pytest.mark.parametrize("name", ["admin", "engineer", "machine", "stranger", "nobody", "token events"])
def test_no_table_is_written_through_postgrest(
    world: World, world_owner: psycopg.Connection, rest: httpx.Client, tables: dict[str, str], name: str
) -> None:
    """No row is inserted, merged, changed or deleted, by whatever method."""
    log, headers = AuditLog(world_owner), world.callers[name].headers
    merging = headers | {"prefer": "resolution=merge-duplicates"}
    allowed = []
    for table, column in tables.items():
        answers = [
            rest.post(f"/{table}", json={}, headers=headers),
            rest.post(f"/{table}", json=[{}], headers=merging),
            rest.patch(f"/{table}?{column}=not.is.null", json={column: None}, headers=headers),
            rest.delete(f"/{table}?{column}=not.is.null", headers=headers),
            rest.delete(f"/{table}", headers=headers),
        ]
        allowed += [f"{a.request.method} {table}" for a in answers if a.status_code not in (401, 403)]
    assert allowed == []
    assert log.changes() == []


@pytest.mark.parametrize("name", ["admin", "machine", "stranger", "nobody"])
@pytest.mark.parametrize("schema", ["private", "auth", "pg_catalog", "supabase_migrations"])
def test_no_other_schema_is_served(world: World, rest: httpx.Client, schema: str, name: str) -> None:
    """Sessions, tokens and the functions without checks are out of reach."""
    headers = world.callers[name].headers | {"accept-profile": schema, "content-profile": schema}
    answers = [
        *(rest.get(f"/{table}", headers=headers) for table in ("sessions", "api_tokens", "users", "pg_authid")),
        rest.post("/rpc/append_events", json={"events": []}, headers=headers),
        rest.post("/rpc/change_role", json={"p_user_id": None, "p_role": "admin"}, headers=headers),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(406, "PGRST106")}
