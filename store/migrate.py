"""Migrates a database to this version's schema, using the same history table as the Supabase CLI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from store.address import ADDRESS_ERRORS, from_driver
from store.environment import PROJECT
from store.errors import SchemaTooNew, StoreError

FOLDER = PROJECT / "supabase" / "migrations"

_FILE_NAME = re.compile(r"^(?P<version>\d{14})_(?P<name>\w+)\.sql$")
_LOCK_KEY = 0x0C0501F
_LOCK_LIMIT_S = 120.0
_IS_APPLIED = "select 1 from supabase_migrations.schema_migrations where version = %s"

_HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
    version text primary key,
    statements text[],
    name text
);
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `supabase/migrations`."""

    version: str
    name: str
    path: Path


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Every migration in order of version; files with other names are ignored."""
    matches = ((path, _FILE_NAME.match(path.name)) for path in sorted(folder.glob("*.sql")))
    return tuple(Migration(match["version"], match["name"], path) for path, match in matches if match)


def migrate(conninfo: str, *, exclusive: bool, known: Sequence[Migration] | None = None) -> tuple[str, ...]:
    """Apply the missing migrations, each in its own transaction, and return the versions applied.

    Processes that migrate the same database at the same time wait for each other.

    Args:
        conninfo: libpq string of the schema's owner, `postgres` on a hosted project.
        exclusive: whether the database is ours alone. If so, an unknown version comes from a newer program;
            in a hosted project it may belong to somebody else's tables.
        known: the migrations to apply; by default this project's.

    Raises:
        SchemaTooNew: the database is ahead of this program.
        Unavailable: the database cannot be reached.
        StoreError: a migration was rejected; it left nothing behind.
    """
    known = migrations() if known is None else known
    try:
        # A transaction pooler may give each transaction another server process, so neither locks nor prepared
        # statements last until the next one.
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=15, prepare_threshold=None) as connection:
            applied = _applied(connection)
            if exclusive and applied - {migration.version for migration in known}:
                raise SchemaTooNew
            pending = [migration for migration in known if migration.version not in applied]
            done = [migration.version for migration in pending if _apply(connection, migration)]
    except ADDRESS_ERRORS as error:
        raise from_driver(error, conninfo) from None  # libpq quotes the URL, which contains the password
    return tuple(done)


def _applied(connection: psycopg.Connection) -> set[str]:
    with connection.transaction():
        _wait_for_others(connection)
        connection.execute(_HISTORY)
        return {row[0] for row in connection.execute("select version from supabase_migrations.schema_migrations")}


def _wait_for_others(connection: psycopg.Connection) -> None:
    """Hold the lock of all migrations until the transaction ends; waiting too long for it is an error."""
    connection.execute("select set_config('lock_timeout', %s, true)", [f"{int(1000 * _LOCK_LIMIT_S)}ms"])
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK_KEY])
    connection.execute("select set_config('lock_timeout', '0', true)")


def _apply(connection: psycopg.Connection, migration: Migration) -> bool:
    """Whether this call applied the migration, rather than another process a moment ago."""
    text = migration.path.read_text(encoding="utf-8")
    try:
        with connection.transaction():
            _wait_for_others(connection)
            if connection.execute(_IS_APPLIED, [migration.version]).fetchone():
                return False
            connection.execute(text.encode())
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, statements, name) values (%s, %s, %s)",
                [migration.version, [text], migration.name],
            )
            return True
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        reason = f"({error.sqlstate}): {error.diag.message_primary}"
        raise StoreError(f"Migration {migration.version}_{migration.name} failed {reason}") from error
