"""Brings a database up to this version's schema, in the history table that the Supabase CLI keeps too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from store.environment import PROJECT
from store.errors import SchemaTooNew, StoreError, Unavailable, from_state

FOLDER = PROJECT / "supabase" / "migrations"

_FILE_NAME = re.compile(r"^(?P<version>\d{14})_(?P<name>\w+)\.sql$")
_LOCK_KEY = 0x0C0501F

ADDRESS_ERRORS = (psycopg.Error, UnicodeError)
"""What a connection can raise that is made from an address somebody typed."""

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
    """Every migration in order of its version; a file of another name is ignored."""
    matches = ((path, _FILE_NAME.match(path.name)) for path in sorted(folder.glob("*.sql")))
    return tuple(Migration(match["version"], match["name"], path) for path, match in matches if match)


def migrate(conninfo: str, *, exclusive: bool, known: Sequence[Migration] | None = None) -> tuple[str, ...]:
    """Apply what is missing, each file in a transaction of its own, and return the versions applied.

    Processes that migrate the same database at once wait for each other.

    Args:
        conninfo: libpq string of the schema's owner, `postgres` on a hosted project.
        exclusive: whether the database is ours alone. Then a version that we do not know is a newer
            program's; in a hosted project it may be somebody else's table.
        known: the migrations to apply; by default this project's.

    Raises:
        SchemaTooNew: the database is ahead of this program.
        Unavailable: it cannot be reached.
        StoreError: a file was refused; that file left nothing behind.
    """
    known = migrations() if known is None else known
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=15) as connection:
            connection.execute("select pg_advisory_lock(%s)", [_LOCK_KEY])
            connection.execute(_HISTORY)
            applied = {
                row[0] for row in connection.execute("select version from supabase_migrations.schema_migrations")
            }
            if exclusive and applied - {migration.version for migration in known}:
                raise SchemaTooNew
            pending = [migration for migration in known if migration.version not in applied]
            for migration in pending:
                _apply(connection, migration)
    except ADDRESS_ERRORS as error:
        raise from_driver(error) from None  # libpq quotes the address, and in it the password
    return tuple(migration.version for migration in pending)


def from_driver(error: Exception) -> StoreError:
    """Our error for one of `ADDRESS_ERRORS`."""
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return from_state(error.sqlstate, error.diag.message_primary)
    if isinstance(error, psycopg.OperationalError):
        return Unavailable("The database cannot be reached; check its address, user and password.")
    return Unavailable("The database's address is not understood; it looks like postgresql://user:password@host/db.")


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    text = migration.path.read_text(encoding="utf-8")
    try:
        with connection.transaction():
            connection.execute(text.encode())
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, statements, name) values (%s, %s, %s)",
                [migration.version, [text], migration.name],
            )
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        reason = f"({error.sqlstate}): {error.diag.message_primary}"
        raise StoreError(f"Migration {migration.version}_{migration.name} was refused {reason}") from error
