"""An earlier system's database is adopted with its events and settings."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from orchestrator.system_keys import DEFAULTS, ENABLE_FALLBACK
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.migrate import migrate
from tests.database.admins import as_admin, make_admin, stored_settings
from tests.database.conftest import MakeHostedDatabase

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


@pytest.fixture(name="earlier")
def earlier_fixture(server: Cluster, make_hosted_database: MakeHostedDatabase) -> str:
    """The owner's libpq string for a hosted project with an earlier system's tables."""
    return server.dsn(cluster.OWNER, make_hosted_database(EARLIER))


@pytest.fixture(name="adopted")
def adopted_fixture(earlier: str) -> Iterator[psycopg.Connection]:
    """The earlier system's database after the migration, as its owner sees it."""
    with psycopg.connect(earlier, autocommit=True) as connection:
        before = _fingerprint(connection)
        migrate(earlier, exclusive=False)
        assert _fingerprint(connection) == before
        yield connection


def test_an_earlier_database_keeps_its_events(adopted: psycopg.Connection) -> None:
    """Each row keeps all its values; missing ones are null or have their default."""
    row = adopted.execute("select * from public.audit_logs where entity_id = 'a-1'").fetchone()
    assert row is not None
    count = adopted.execute("select count(*) from public.audit_logs where action <> 'SYSTEM_CONFIG_UPDATED'")
    assert count.fetchone() == (3,)


def test_an_earlier_log_is_counted(adopted: psycopg.Connection) -> None:
    """Figures include its events from the start, and a recount gives the same."""
    counted = adopted.execute("select sum(generations), sum(cost_usd) from public.generation_rollups where grain = 15")
    assert counted.fetchone() == (2, Decimal("0.0012"))
    assert adopted.execute("select private.rebuild_rollups() -> 'differences'").fetchone() == ({},)


def test_an_earlier_database_is_adopted_once(earlier: str, adopted: psycopg.Connection) -> None:
    """A second migration has nothing to do."""
    before = _fingerprint(adopted)
    assert migrate(earlier, exclusive=False) == ()
    assert _fingerprint(adopted) == before


def test_earlier_settings_lose_their_second_quotes(earlier: str, adopted: psycopg.Connection) -> None:
    """Values lose their extra quotes, booleans are booleans, the missing key has its default, foreign keys stay."""
    make_admin(earlier, adopted)
    assert stored_settings(adopted) == DEFAULTS | {ENABLE_FALLBACK.name: False}
    row = adopted.execute(
        "select value #>> '{}', category from public.system_settings_config where key = 'mail_footer'"
    ).fetchone()
    assert row == ('"quoted"', "mail")


def test_earlier_settings_can_be_saved(earlier: str, adopted: psycopg.Connection) -> None:
    """The first save after the adoption works like any other."""
    make_admin(earlier, adopted)
    saved = as_admin(adopted, "select public.save_settings('{\"orchestrator_enable_fallback\": true}')")
    assert isinstance(saved, dict)
    assert saved["version"] == 2


def test_earlier_open_policies_are_gone(adopted: psycopg.Connection) -> None:
    """Nothing that gave everybody access is left: no policy, no grant on the table or on a column."""
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
    """Once adopted, its rows are protected like any other."""
    with pytest.raises(psycopg.Error, match="append-only"):
        adopted.execute("delete from public.audit_logs where entity_id = 'a-1'")


def test_events_are_appended_to_an_adopted_log(adopted: psycopg.Connection) -> None:
    """A new event has an id, a time and the other defaults, although the earlier table had none."""
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


def _fingerprint(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """The values of the earlier system's columns in its events."""
    return connection.execute(
        """
        select id::text, concat_ws(
            '|', timestamp, user_id, action, entity_type, entity_id, details, severity, compliance_flags
        )
        from public.audit_logs where action <> 'SYSTEM_CONFIG_UPDATED' order by id
        """
    ).fetchall()


def _described(connection: psycopg.Connection) -> set[tuple[str, str, str, str]]:
    """Everything a migration determines about a table, except which columns may be null."""
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
