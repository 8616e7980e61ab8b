"""An admin of a migrated database, and the settings as an admin sees them."""

from __future__ import annotations

import json

import psycopg

from store import Json
from store.hosted.grant import grant
from tests.database.sides import ADMIN


def make_admin(conninfo: str, connection: psycopg.Connection) -> None:
    """Add an admin, as the command line does."""
    connection.execute("insert into auth.users (id, email) values (%s, %s)", [ADMIN.user_id, ADMIN.email])
    grant(conninfo, ADMIN.email, "admin")


def as_admin(connection: psycopg.Connection, query: str) -> Json:
    """The answer that the admin gets."""
    claims = json.dumps({"role": "authenticated", "sub": ADMIN.user_id})
    with connection.transaction():
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute("set local role authenticated")
        row = connection.execute(query.encode()).fetchone()
    assert row
    answer: Json = row[0]
    return answer


def stored_settings(connection: psycopg.Connection) -> Json:
    """Every key with its value."""
    answer = as_admin(connection, "select public.get_settings() -> 'settings'")
    assert isinstance(answer, dict)
    return {key: row["value"] for key, row in answer.items() if isinstance(row, dict)}
