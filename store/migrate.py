"""Migrates a database to this version's schema, using the same history table as the Supabase CLI."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from store.address import ADDRESS_ERRORS, from_driver
from store.environment import PROJECT
from store.errors import MigrationEdited, SchemaTooNew, SchemaTooOld, StoreError

FOLDER = PROJECT / "supabase" / "migrations"

_FILE_NAME = re.compile(r"^(?P<version>\d{14})_(?P<name>\w+)\.sql$")
_LOCK_KEY = 0x0C0501F
_LOCK_LIMIT_S = 120.0
_IS_APPLIED = "select 1 from supabase_migrations.schema_migrations where version = %s"
_APPLIED = "select version, statements from supabase_migrations.schema_migrations"
_IS_UNRELEASED = """
select exists (select from supabase_migrations.schema_migrations where (version, name) = (%s, %s))
"""
_UNRELEASED = ("20261122090000", "console_roles")
"""The first migration of the versions before the first release, whose schema was made by other files."""
# The Supabase CLI records a file as its statements, trimmed and without their semicolons.
_BETWEEN_STATEMENTS = re.compile(r"[\s;]+")

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

    def text(self) -> str:
        """The text of the file."""
        return self.path.read_text(encoding="utf-8")

    def was_applied_as(self, statements: Sequence[str] | None) -> bool:
        """Whether the file still has the text recorded when it was applied; without a recorded text, yes."""
        return not statements or _gist("".join(statements)) == _gist(self.text())


def _gist(text: str) -> str:
    return _BETWEEN_STATEMENTS.sub("", text)


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
        SchemaTooOld: the database was made by a version before the first release.
        MigrationEdited: a migration was edited after it had been applied.
        Unavailable: the database cannot be reached.
        StoreError: a migration was rejected; it left nothing behind.
    """
    known = migrations() if known is None else known
    try:
        # A transaction pooler may give each transaction another server process, so neither locks nor prepared
        # statements last until the next one.
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=15, prepare_threshold=None) as connection:
            applied = _applied(connection)
            if exclusive and applied.keys() - {migration.version for migration in known}:
                raise SchemaTooNew
            _check_unchanged(known, applied)
            pending = [migration for migration in known if migration.version not in applied]
            done = [migration.version for migration in pending if _apply(connection, migration)]
    except ADDRESS_ERRORS as error:
        raise from_driver(error, conninfo) from None  # libpq quotes the URL, which contains the password
    return tuple(done)


def _applied(connection: psycopg.Connection) -> dict[str, list[str] | None]:
    """The applied versions and the statements recorded for each."""
    with connection.transaction():
        _wait_for_others(connection)
        connection.execute(_HISTORY)
        if connection.execute(_IS_UNRELEASED, _UNRELEASED).fetchone() == (True,):
            raise SchemaTooOld
        return dict(connection.execute(_APPLIED).fetchall())


def _check_unchanged(known: Sequence[Migration], applied: Mapping[str, list[str] | None]) -> None:
    for migration in known:
        if not migration.was_applied_as(applied.get(migration.version)):
            raise MigrationEdited(
                f"Migration {migration.version}_{migration.name} was edited after it had been applied to this "
                "database; restore the file and put the change into a new one (make migration NAME=...)."
            )


def _wait_for_others(connection: psycopg.Connection) -> None:
    """Hold the lock of all migrations until the transaction ends; waiting too long for it is an error."""
    connection.execute("select set_config('lock_timeout', %s, true)", [f"{int(1000 * _LOCK_LIMIT_S)}ms"])
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK_KEY])
    connection.execute("select set_config('lock_timeout', '0', true)")


def _apply(connection: psycopg.Connection, migration: Migration) -> bool:
    """Whether this call applied the migration, rather than another process a moment ago."""
    text = migration.text()
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
