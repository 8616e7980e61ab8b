"""A database is migrated to this version's schema, and nothing else in it is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from orchestrator.system_keys import DEFAULTS
from store import MigrationEdited, SchemaTooNew, SchemaTooOld, StoreError, Unavailable
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.migrate import _LOCK_KEY, Migration, migrate, migrations
from tests.database.admins import make_admin, stored_settings
from tests.database.conftest import MakeHostedDatabase

VERSIONS = tuple(migration.version for migration in migrations())


def test_the_owner_of_a_hosted_project_is_no_superuser(hosted: str) -> None:
    """Otherwise these tests would prove nothing."""
    with psycopg.connect(hosted) as connection:
        row = connection.execute("select rolname, rolsuper from pg_roles where rolname = current_user").fetchone()
    assert row == ("postgres", False)


def test_an_empty_project_gets_the_whole_schema(hosted: str) -> None:
    """Every file is applied in order, and the history has each with its text, as the Supabase CLI does."""
    assert migrate(hosted, exclusive=False) == VERSIONS
    with psycopg.connect(hosted) as connection:
        rows = connection.execute(
            "select version, name, statements from supabase_migrations.schema_migrations order by version"
        ).fetchall()
    assert rows == [(m.version, m.name, [m.path.read_text(encoding="utf-8")]) for m in migrations()]


def test_a_second_migration_does_nothing(hosted: str) -> None:
    """It can be run before every start."""
    migrate(hosted, exclusive=False)
    with psycopg.connect(hosted) as connection:
        before = _schema(connection)
        assert migrate(hosted, exclusive=False) == ()
        assert _schema(connection) == before


def test_a_migrated_project_answers(hosted: str) -> None:
    """A user who was made an admin reads the default settings."""
    migrate(hosted, exclusive=False)
    with psycopg.connect(hosted, autocommit=True) as connection:
        make_admin(hosted, connection)
        settings = stored_settings(connection)
    assert settings == DEFAULTS


def test_only_missing_migrations_are_applied(hosted: str) -> None:
    """A project of an older version gets what is new."""
    assert migrate(hosted, exclusive=False, known=migrations()[:2]) == VERSIONS[:2]
    assert migrate(hosted, exclusive=False) == VERSIONS[2:]


def test_processes_that_migrate_at_once_take_turns(hosted: str) -> None:
    """Each file is applied by one of them."""
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(lambda _: migrate(hosted, exclusive=False), range(4)))
    assert sorted(version for versions in applied for version in versions) == sorted(VERSIONS)


def test_a_lock_that_was_left_behind_is_told(hosted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a message at the limit; our own lock lasts for one transaction at a time, so it is never left behind."""
    monkeypatch.setattr("store.migrate._LOCK_LIMIT_S", 0.2)
    with psycopg.connect(hosted, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", [_LOCK_KEY])
        with pytest.raises(Unavailable, match="Somebody else is migrating"):
            migrate(hosted, exclusive=False)
        other.execute("select pg_advisory_unlock(%s)", [_LOCK_KEY])
        assert migrate(hosted, exclusive=False) == VERSIONS
        assert other.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)


@pytest.mark.parametrize("version", ["20200101000000", "20991231000000"])
def test_other_peoples_migrations_are_left_alone(hosted: str, version: str) -> None:
    """A hosted project may have its own tables, created by migrations that we do not know."""
    _add_foreign_version(hosted, version)
    assert migrate(hosted, exclusive=False) == VERSIONS
    assert migrate(hosted, exclusive=False) == ()


def test_an_unknown_version_in_a_database_of_ours_is_a_newer_programs(hosted: str) -> None:
    """Nothing is applied there, and the message says why."""
    _add_foreign_version(hosted, "20991231000000")
    with pytest.raises(SchemaTooNew, match="newer version"):
        migrate(hosted, exclusive=True)
    with psycopg.connect(hosted) as connection:
        assert connection.execute("select to_regclass('public.audit_logs')").fetchone() == (None,)


@pytest.fixture(name="copy")
def copy_fixture(tmp_path: Path) -> tuple[Migration, ...]:
    """The first two migrations in files of their own, to be edited."""
    for migration in migrations()[:2]:
        (tmp_path / migration.path.name).write_text(migration.text())
    return migrations(tmp_path)


@pytest.mark.parametrize("exclusive", [True, False])
def test_an_edited_migration_is_refused(hosted: str, copy: tuple[Migration, ...], exclusive: bool) -> None:
    """One sentence names the file and what to do, and nothing further is applied."""
    migrate(hosted, exclusive=exclusive, known=copy[:1])
    copy[0].path.write_text(copy[0].text().replace("create table", "create  table if not exists", 1))
    with pytest.raises(MigrationEdited, match=rf"^Migration {copy[0].version}_access was edited .*make migration"):
        migrate(hosted, exclusive=exclusive, known=copy)
    with psycopg.connect(hosted) as connection:
        assert connection.execute("select to_regclass('public.audit_logs')").fetchone() == (None,)


@pytest.mark.parametrize("recorded", ["null", "'{}'"])
def test_a_migration_recorded_without_its_text_is_taken_as_it_is(
    hosted: str, copy: tuple[Migration, ...], recorded: str
) -> None:
    """Other tools record the version alone."""
    migrate(hosted, exclusive=False, known=copy)
    _record(hosted, f"set statements = {recorded}")
    copy[0].path.write_text("select 1;")
    assert migrate(hosted, exclusive=False, known=copy) == ()


def test_a_migration_recorded_by_the_supabase_command_line_is_the_same(
    hosted: str, copy: tuple[Migration, ...]
) -> None:
    """It records the statements one by one, trimmed and without their semicolons; a checkout may change line ends."""
    migrate(hosted, exclusive=False, known=copy)
    _record(hosted, r"set statements = regexp_split_to_array(rtrim(statements[1], E';\n'), ';\s*')")
    copy[0].path.write_bytes(copy[0].path.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(hosted, exclusive=False, known=copy) == ()


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_database_from_before_the_first_release_is_told_how_to_start_afresh(hosted: str, exclusive: bool) -> None:
    """Nothing is applied to it, for there is no way from there."""
    migrate(hosted, exclusive=False, known=[])
    with psycopg.connect(hosted) as connection:
        connection.execute(
            "insert into supabase_migrations.schema_migrations (version, name) "
            "values ('20261122090000', 'console_roles')"
        )
    with pytest.raises(SchemaTooOld, match="Start afresh: python -m store reset"):
        migrate(hosted, exclusive=exclusive)


def test_a_refused_file_leaves_nothing_behind(hosted: str, tmp_path: Path) -> None:
    """A file is applied completely or not at all, those before it stay, and it can be retried."""
    good, bad = tmp_path / "1.sql", tmp_path / "2.sql"
    good.write_text("create table public.first (n integer);")
    bad.write_text("create table public.second (n integer); select 1 / 0;")
    known = [Migration("1", "good", good), Migration("2", "bad", bad)]
    with pytest.raises(StoreError, match=r"2_bad failed \(22012\)"):
        migrate(hosted, exclusive=False, known=known)
    bad.write_text("create table public.second (n integer);")
    assert migrate(hosted, exclusive=False, known=known) == ("2",)


@dataclass(frozen=True, slots=True)
class Address:
    """A database URL that does not work; `{secret}` stands for the password."""

    name: str
    text: str


ADDRESSES = [
    Address("nobody there", "postgresql://postgres:{secret}@127.0.0.1:1/postgres"),
    Address("no such host", "postgresql://postgres:{secret}@no-such-host.invalid/postgres"),
    Address("no address", "{secret}"),
    Address("slash in the password", "postgresql://postgres:{secret}/more@127.0.0.1:1/postgres"),
    Address("percent in the password", "postgresql://postgres:{secret}%zz@127.0.0.1:1/postgres"),
    Address("unknown option", "postgresql://postgres:{secret}@127.0.0.1:1/postgres?pgbouncer=true"),
]


@pytest.mark.parametrize("case", ADDRESSES, ids=lambda case: case.name)
def test_an_address_that_does_not_do_is_unavailable(case: Address) -> None:
    """Whatever is wrong with it, the message says what to do and does not contain the password."""
    secret = "s3cr3t-w0rd"
    with pytest.raises(Unavailable, match="URL") as caught:
        migrate(case.text.format(secret=secret), exclusive=False)
    assert secret not in f"{caught.value} {caught.value!r}"


def test_somebody_elses_user_is_refused_in_a_sentence(
    server: Cluster, make_hosted_database: MakeHostedDatabase
) -> None:
    """A user who may not create a schema gets a message, not a traceback."""
    with pytest.raises(StoreError):
        migrate(server.dsn(cluster.AUTHENTICATOR, make_hosted_database("")), exclusive=False)


def _schema(connection: psycopg.Connection) -> list[tuple[str, int]]:
    """Everything in our schemas with the transaction that last touched it."""
    return connection.execute(
        """
        select oid::regclass::text, xmin::text::bigint from pg_class
        where relnamespace in ('public'::regnamespace, 'supabase_migrations'::regnamespace)
        union all
        select oid::regprocedure::text, xmin::text::bigint from pg_proc
        where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        order by 1
        """
    ).fetchall()


def _add_foreign_version(conninfo: str, version: str) -> None:
    migrate(conninfo, exclusive=False, known=[])
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "insert into supabase_migrations.schema_migrations (version, name) values (%s, 'foreign')", [version]
        )


def _record(conninfo: str, change: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(f"update supabase_migrations.schema_migrations {change}".encode())
