"""Migration of a hosted project: by an owner who is no superuser, beside foreign tables and over earlier ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from store import Json, SchemaTooNew, StoreError, Unavailable, cluster
from store.cluster import Cluster
from store.grant import grant
from store.migrate import Migration, migrate, migrations
from tests.database.conftest import ADMIN, MakeHostedDatabase

VERSIONS = tuple(migration.version for migration in migrations())

EARLIER = """
create table public.audit_logs (
    id uuid primary key, timestamp timestamptz, user_id uuid, action text, entity_type text, entity_id text,
    details jsonb, severity text, compliance_flags text[]
);
create table public.system_settings_config (
    id uuid, key text unique, value jsonb, category text, description text, updated_at timestamptz
);
alter table public.audit_logs enable row level security;
alter table public.system_settings_config enable row level security;
create policy "Let anybody in" on public.audit_logs for all using (true) with check (true);
create policy "Let anybody in" on public.system_settings_config for all using (true) with check (true);
grant all on public.audit_logs, public.system_settings_config to public, anon, authenticated;
grant insert (action), update (details) on public.audit_logs to anon, authenticated;
grant update (value) on public.system_settings_config to authenticated;

insert into public.audit_logs
values
    ('00000000-0000-4000-8000-00000000000a', '2026-01-02 03:04:05+00', null, 'WORKFLOW_GENERATED', 'agent', 'a-1',
     '{"generator": "gpt-4o-mini", "tokens_used": 3500, "cost_usd": 0.0012}', 'info', array['SOC2']),
    ('00000000-0000-4000-8000-00000000000b', null, null, 'SOMETHING_ELSE', null, null, null, 'error', null),
    ('00000000-0000-4000-8000-00000000000c', '2026-01-03', null, 'WORKFLOW_GENERATED', null, null, '[]', null, null);
insert into public.system_settings_config (id, key, value, category, description, updated_at)
values
    ('00000000-0000-4000-8000-0000000000d1', 'orchestrator_primary_model', '"\\"gpt-4o-mini\\""', 'ai', null, null),
    (null, 'orchestrator_enable_fallback', '"\\"false\\""', null, 'Ours.', '2026-01-02 03:04:05+00'),
    (null, 'mail_footer', '"\\"quoted\\""', 'mail', null, null);
"""


@pytest.fixture(name="hosted")
def hosted_fixture(server: Cluster, make_hosted_database: MakeHostedDatabase) -> str:
    """How to connect as the owner of a hosted project that has never been migrated."""
    return server.dsn(cluster.OWNER, make_hosted_database(""))


@pytest.fixture(name="earlier")
def earlier_fixture(server: Cluster, make_hosted_database: MakeHostedDatabase) -> str:
    """How to connect as the owner of a hosted project that holds an earlier system's tables."""
    return server.dsn(cluster.OWNER, make_hosted_database(EARLIER))


@pytest.fixture(name="adopted")
def adopted_fixture(earlier: str) -> Iterator[psycopg.Connection]:
    """The earlier system's database after the migration, as its owner sees it."""
    with psycopg.connect(earlier, autocommit=True) as connection:
        before = _fingerprint(connection)
        migrate(earlier, exclusive=False)
        assert _fingerprint(connection) == before
        yield connection


def test_the_owner_of_a_hosted_project_is_no_superuser(hosted: str) -> None:
    """What these tests prove would be worth nothing otherwise."""
    with psycopg.connect(hosted) as connection:
        row = connection.execute("select rolname, rolsuper from pg_roles where rolname = current_user").fetchone()
    assert row == ("postgres", False)


def test_an_empty_project_gets_the_whole_schema(hosted: str) -> None:
    """Every file is applied, in order, and the history names each with its text, as the Supabase CLI does."""
    assert migrate(hosted, exclusive=False) == VERSIONS
    with psycopg.connect(hosted) as connection:
        rows = connection.execute(
            "select version, name, statements from supabase_migrations.schema_migrations order by version"
        ).fetchall()
    assert rows == [(m.version, m.name, [m.path.read_text(encoding="utf-8")]) for m in migrations()]


def test_a_second_migration_does_nothing(hosted: str) -> None:
    """It may be run before every start."""
    migrate(hosted, exclusive=False)
    with psycopg.connect(hosted) as connection:
        before = _schema(connection)
        assert migrate(hosted, exclusive=False) == ()
        assert _schema(connection) == before


def test_a_migrated_project_answers(hosted: str) -> None:
    """Somebody who was made an admin reads the default settings."""
    migrate(hosted, exclusive=False)
    with psycopg.connect(hosted, autocommit=True) as connection:
        _make_admin(hosted, connection)
        settings = _settings(connection)
    assert settings == {
        "orchestrator_primary_model": "gpt-4o-mini",
        "orchestrator_fallback_model": "claude-sonnet-4",
        "orchestrator_enable_fallback": True,
    }


def test_only_missing_migrations_are_applied(hosted: str) -> None:
    """A project of an older version gets what came since."""
    assert migrate(hosted, exclusive=False, known=migrations()[:2]) == VERSIONS[:2]
    assert migrate(hosted, exclusive=False) == VERSIONS[2:]


def test_processes_that_migrate_at_once_take_turns(hosted: str) -> None:
    """Each file is applied by one of them."""
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(lambda _: migrate(hosted, exclusive=False), range(4)))
    assert sorted(applied, key=len) == [(), (), (), VERSIONS]


@pytest.mark.parametrize("version", ["20200101000000", "20991231000000"])
def test_other_peoples_migrations_are_left_alone(hosted: str, version: str) -> None:
    """A hosted project may have tables of its own, made by files that we do not know."""
    _add_foreign_version(hosted, version)
    assert migrate(hosted, exclusive=False) == VERSIONS
    assert migrate(hosted, exclusive=False) == ()


def test_an_unknown_version_in_a_database_of_ours_is_a_newer_programs(hosted: str) -> None:
    """There nothing is applied, and the message says why."""
    _add_foreign_version(hosted, "20991231000000")
    with pytest.raises(SchemaTooNew, match="newer version"):
        migrate(hosted, exclusive=True)
    with psycopg.connect(hosted) as connection:
        assert connection.execute("select to_regclass('public.audit_logs')").fetchone() == (None,)


def test_a_refused_file_leaves_nothing_behind(hosted: str, tmp_path: Path) -> None:
    """A file is applied whole or not at all, those before it stay, and it can be tried again."""
    good, bad = tmp_path / "1.sql", tmp_path / "2.sql"
    good.write_text("create table public.first (n integer);")
    bad.write_text("create table public.second (n integer); select 1 / 0;")
    known = [Migration("1", "good", good), Migration("2", "bad", bad)]
    with pytest.raises(StoreError, match=r"2_bad was refused \(22012\)"):
        migrate(hosted, exclusive=False, known=known)
    bad.write_text("create table public.second (n integer);")
    assert migrate(hosted, exclusive=False, known=known) == ("2",)


@dataclass(frozen=True, slots=True)
class Address:
    """A database address that does not do; `{secret}` stands for the password."""

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
    """Whatever is wrong with it, the message names the remedy and not the password."""
    secret = "s3cr3t-w0rd"
    with pytest.raises(Unavailable, match="address") as caught:
        migrate(case.text.format(secret=secret), exclusive=False)
    assert secret not in f"{caught.value} {caught.value!r}"


def test_somebody_elses_user_is_refused_in_a_sentence(
    server: Cluster, make_hosted_database: MakeHostedDatabase
) -> None:
    """A user who may not create a schema is told so, and not by a traceback."""
    with pytest.raises(StoreError):
        migrate(server.dsn(cluster.AUTHENTICATOR, make_hosted_database("")), exclusive=False)


# --- adopting an earlier database


def test_an_earlier_database_keeps_its_events(adopted: psycopg.Connection) -> None:
    """Each row is there with each of its values, what was missing is null or has its default."""
    row = adopted.execute("select * from public.audit_logs where entity_id = 'a-1'").fetchone()
    assert row is not None
    count = adopted.execute("select count(*) from public.audit_logs where action <> 'SYSTEM_CONFIG_UPDATED'")
    assert count.fetchone() == (3,)


def test_an_earlier_database_is_adopted_once(earlier: str, adopted: psycopg.Connection) -> None:
    """A second migration finds nothing to do."""
    before = _fingerprint(adopted)
    assert migrate(earlier, exclusive=False) == ()
    assert _fingerprint(adopted) == before


def test_earlier_settings_lose_their_second_quotes(earlier: str, adopted: psycopg.Connection) -> None:
    """Values mean what they say, truth is a boolean, the missing key has its default, foreign keys stay."""
    _make_admin(earlier, adopted)
    assert _settings(adopted) == {
        "orchestrator_primary_model": "gpt-4o-mini",
        "orchestrator_fallback_model": "claude-sonnet-4",
        "orchestrator_enable_fallback": False,
    }
    row = adopted.execute(
        "select value #>> '{}', category from public.system_settings_config where key = 'mail_footer'"
    ).fetchone()
    assert row == ('"quoted"', "mail")


def test_earlier_settings_can_be_saved(earlier: str, adopted: psycopg.Connection) -> None:
    """The first save after the adoption is an ordinary one."""
    _make_admin(earlier, adopted)
    saved = _as_admin(adopted, "select public.save_settings('{\"orchestrator_enable_fallback\": true}')")
    assert isinstance(saved, dict)
    assert saved["version"] == 2


def test_earlier_open_policies_are_gone(adopted: psycopg.Connection) -> None:
    """Nothing that let anybody in is left: no policy, no grant on the table, none on a column."""
    policies = adopted.execute(
        "select policyname from pg_policies where policyname like 'Let%%' or 'public' = any (roles)"
    ).fetchall()
    grants = adopted.execute(
        """
        select grantee, table_name, column_name, privilege_type from information_schema.column_privileges
        where table_schema = 'public' and grantee in ('PUBLIC', 'anon', 'authenticated')
            and (privilege_type <> 'SELECT' or grantee <> 'authenticated')
        """
    ).fetchall()
    assert (policies, grants) == ([], [])


def test_an_adopted_log_is_append_only(adopted: psycopg.Connection) -> None:
    """From the adoption on its rows are kept like any other."""
    with pytest.raises(psycopg.Error, match="append-only"):
        adopted.execute("delete from public.audit_logs where entity_id = 'a-1'")


def test_events_are_appended_to_an_adopted_log(adopted: psycopg.Connection) -> None:
    """A new event has an id, a time and the other defaults although the earlier table had none."""
    row = adopted.execute(
        "insert into public.audit_logs (action) values ('X') returning id, timestamp, details, severity"
    ).fetchone()
    assert row is not None
    assert None not in row
    assert row[2:] == ({}, "info")


def test_an_adopted_database_is_like_a_new_one(earlier: str, hosted: str) -> None:
    """Columns with their types and defaults, policies, triggers and grants do not differ."""
    migrate(earlier, exclusive=False)
    migrate(hosted, exclusive=False)
    with psycopg.connect(earlier) as adopted, psycopg.connect(hosted) as new:
        assert _described(adopted) == _described(new)


# --- words for the tests above


def _fingerprint(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """The earlier system's columns of its events."""
    return connection.execute(
        """
        select id::text, concat_ws(
            '|', timestamp, user_id, action, entity_type, entity_id, details, severity, compliance_flags
        )
        from public.audit_logs where action <> 'SYSTEM_CONFIG_UPDATED' order by id
        """
    ).fetchall()


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


def _described(connection: psycopg.Connection) -> set[tuple[str, str, str, str]]:
    """Everything that a migration decides about a table, but which columns may be null."""
    rows = connection.execute(
        """
        select 'column', table_name, column_name, concat_ws(' ', data_type, column_default)
        from information_schema.columns where table_schema = 'public'
        union all
        select 'policy', tablename, policyname, concat_ws(' ', roles, cmd, qual, with_check)
        from pg_policies where schemaname = 'public'
        union all
        select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
        union all
        select 'grants', '', relname, array_to_string(array(select unnest(relacl)::text order by 1), ' ')
        from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
        """
    )
    return set(rows.fetchall())


def _add_foreign_version(conninfo: str, version: str) -> None:
    migrate(conninfo, exclusive=False, known=[])
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "insert into supabase_migrations.schema_migrations (version, name) values (%s, 'foreign')", [version]
        )


def _make_admin(conninfo: str, connection: psycopg.Connection) -> None:
    connection.execute("insert into auth.users (id, email) values (%s, %s)", [ADMIN.user_id, ADMIN.email])
    grant(conninfo, ADMIN.email, "admin")


def _as_admin(connection: psycopg.Connection, query: str) -> Json:
    claims = json.dumps({"role": "authenticated", "sub": ADMIN.user_id})
    with connection.transaction():
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute("set local role authenticated")
        row = connection.execute(query.encode()).fetchone()
    assert row
    answer: Json = row[0]
    return answer


def _settings(connection: psycopg.Connection) -> Json:
    answer = _as_admin(connection, "select public.get_settings() -> 'settings'")
    assert isinstance(answer, dict)
    return {key: row["value"] for key, row in answer.items() if isinstance(row, dict)}
