"""One migrated database for all of these tests, seen from both sides: over psycopg and over supabase-py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import NoReturn, Protocol

import psycopg
import pytest
from psycopg import sql
from psycopg_pool import ConnectionPool

from store import Database, cluster
from store.cluster import Cluster
from store.embedded import EmbeddedDatabase, open_pool
from store.environment import PROJECT
from store.identity import NOBODY, Identity
from store.supabase import SupabaseStore
from tests.conftest import TEMPLATE
from tests.database import postgrest
from tests.database.gateway import API_KEY, JWT_SECRET, Gateway, Person, serving

ADMIN = Person("admin@example.com", "admin")
MEMBER = Person("member@example.com", "member")
COLLEAGUE = Person("colleague@example.com", "member")
MACHINE = Person("machine@example.com", "orchestrator")
STRANGER = Person("stranger@example.com")
EXPIRED = Person("expired@example.com", "member", token_lifetimes_s=(-3600,))
EXPIRED_ONCE = Person("expired-once@example.com", "member", token_lifetimes_s=(-3600, 3600))
SHORT = Person("short@example.com", "member", announced_s=30)
GARBAGE = Person("garbage@example.com", "member", token="z9x8c7.v6b5n4.m3l2k1")
FORGED = Person("forged@example.com", "member", secret="a sentence that somebody else made up for signing")
PEOPLE = (ADMIN, MEMBER, COLLEAGUE, MACHINE, STRANGER, EXPIRED, EXPIRED_ONCE, SHORT, GARBAGE, FORGED)

_numbers = count()

# Functions that answer, refuse and wait as the tests ask them to.
PROBES = """
create function public.probe_value(p_json text) returns jsonb
language sql stable as $$ select p_json::jsonb $$;

create function public.probe_echo(
    p_json jsonb default null,
    p_text text default 'left out',
    p_number bigint default 7,
    p_flag boolean default null,
    p_at timestamptz default null
) returns jsonb
language sql stable as $$
    select jsonb_build_object(
        'json', p_json, 'text', p_text, 'characters', length(p_text), 'number', p_number, 'flag', p_flag, 'at', p_at
    )
$$;

create function public.probe_types() returns jsonb
language sql stable as $$
    select jsonb_build_object(
        'bigint', 9223372036854775807,
        'money', 12345678901234567890.123456789::text,
        'numeric', 0.25,
        'float', 1e-7::float8,
        'timestamptz', '2026-11-22 12:00:00.123456+01'::timestamptz,
        'date', '2026-11-22'::date,
        'interval', '1 day 02:03:04'::interval,
        'uuid', '00000000-0000-4000-8000-000000000001'::uuid,
        'array', array['a', null, 'ü'],
        'null', null
    )
$$;

create function public.probe_nothing() returns jsonb
language sql stable as $$ select null::jsonb $$;

create function public.probe_many(p_count integer) returns jsonb
language sql stable as $$ select jsonb_agg(jsonb_build_object('n', n)) from generate_series(1, p_count) as n $$;

create function public.probe_caller() returns jsonb
language sql stable as $$
    select jsonb_build_object('role', current_user, 'user_id', auth.uid(), 'schema', current_schema())
$$;

create table public.probe_rows (value text unique);
alter table public.probe_rows enable row level security;

create function public.probe_write(p_value text) returns jsonb
language sql security definer set search_path = '' as $$
    insert into public.probe_rows (value) values (p_value) returning to_jsonb(value)
$$;

create function public.probe_write_quietly(p_value text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
    return public.probe_write(p_value);
end
$$;

create function private.probe_refuse_late() returns trigger
language plpgsql as $$
begin
    raise exception using errcode = 'PT409', message = 'Too late.';
end
$$;

create constraint trigger refuse_late after insert on public.probe_rows
deferrable initially deferred for each row when (new.value like 'late %') execute function private.probe_refuse_late();

create function public.probe_refuse(p_state text, p_value text) returns jsonb
language plpgsql as $$
begin
    raise exception using errcode = p_state, message = 'A sentence of the function.', detail = p_value;
end
$$;

create function public.probe_quote(p_value text) returns jsonb
language plpgsql as $$
begin
    raise exception 'it does not like %', p_value;
end
$$;

create function public.probe_slow() returns jsonb
language sql as $$ select to_jsonb(pg_sleep(60)::text) $$;

do $$
declare
    probe record;
begin
    for probe in
        select oid::regprocedure as name from pg_proc
        where pronamespace = 'public'::regnamespace and proname like 'probe\\_%'
    loop
        execute format('revoke all on function %s from public', probe.name);
        execute format('grant execute on function %s to authenticated', probe.name);
    end loop;
end
$$;
grant execute on function public.probe_caller() to anon;
"""


class Side(Protocol):
    """One of the two ways to the same database."""

    def seen_by(self, person: Person | None) -> Database:
        """The database as this person sees it; None is nobody in particular."""


class EmbeddedSide:
    """The way of the embedded database."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def seen_by(self, person: Person | None) -> Database:
        """See `Side`."""
        return EmbeddedDatabase(self._pool, Identity(person.user_id) if person else NOBODY)


class SupabaseSide:
    """The way of a hosted project."""

    def __init__(self, store: SupabaseStore) -> None:
        self._store = store

    def seen_by(self, person: Person | None) -> Database:
        """See `Side`."""
        return self._store.database(person.login if person else None)


@pytest.fixture(name="project", scope="session")
def project_fixture(server: Cluster) -> Iterator[str]:
    """The name of the shared database: migrated, with its people and the functions that only tests call."""
    name = f"project_{os.getpid()}"
    identifier = sql.Identifier(name)
    with psycopg.connect(server.dsn(cluster.SUPERUSER), autocommit=True) as superuser:
        statement = sql.SQL("create database {} template {} owner postgres")
        superuser.execute(statement.format(identifier, sql.Identifier(TEMPLATE)))
        limit = sql.SQL("alter role authenticator in database {} set statement_timeout = {}")
        superuser.execute(limit.format(identifier, postgrest.STATEMENT_LIMIT))
        with psycopg.connect(server.dsn(cluster.OWNER, name)) as owner:
            _add_people(owner)
            owner.execute(PROBES)
        yield name
        superuser.execute(sql.SQL("drop database {} with (force)").format(identifier))


@pytest.fixture(name="project_owner")
def project_owner_fixture(server: Cluster, project: str) -> Iterator[psycopg.Connection]:
    """The shared database as its owner sees it."""
    with psycopg.connect(server.dsn(cluster.OWNER, project), autocommit=True) as connection:
        yield connection


@pytest.fixture(name="gateway_and_url", scope="session")
def gateway_and_url_fixture(
    server: Cluster, project: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, str]]:
    """A Supabase project over the shared database: PostgREST, and before it the gateway."""
    program = postgrest.find_postgrest()
    if program is None:
        _missing(f"PostgREST is not there; run: {postgrest.INSTALL}")
    log = tmp_path_factory.mktemp("postgrest") / "log"
    with ExitStack() as stack:
        uri = server.uri(cluster.AUTHENTICATOR, project)
        gateway = Gateway(stack.enter_context(postgrest.running(program, uri, JWT_SECRET, log)), PEOPLE)
        yield gateway, stack.enter_context(serving(gateway.app))


@pytest.fixture(name="gateway", scope="session")
def gateway_fixture(gateway_and_url: tuple[Gateway, str]) -> Gateway:
    """The gateway, for counting sign-ins."""
    return gateway_and_url[0]


@pytest.fixture(name="url", scope="session")
def url_fixture(gateway_and_url: tuple[Gateway, str]) -> str:
    """What SUPABASE_URL would be."""
    return gateway_and_url[1]


class MakeSupabaseStore(Protocol):
    """Makes stores."""

    def __call__(self, url: str, key: str = API_KEY) -> SupabaseStore:
        """A store of the project at this address."""


@pytest.fixture(name="make_supabase_store", scope="session")
def make_supabase_store_fixture() -> Iterator[MakeSupabaseStore]:
    """Makes stores and closes them; no proxy of the developer's stands between them and this machine."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "127.0.0.1")

        def make(url: str, key: str = API_KEY) -> SupabaseStore:
            store = SupabaseStore(url, key)
            stack.callback(store.close)
            return store

        yield make


@pytest.fixture(name="embedded_side", scope="session")
def embedded_side_fixture(server: Cluster, project: str) -> Iterator[Side]:
    """The shared database over psycopg."""
    with open_pool(server.dsn(cluster.AUTHENTICATOR, project)) as pool:
        yield EmbeddedSide(pool)


@pytest.fixture(name="supabase_side", scope="session")
def supabase_side_fixture(url: str, make_supabase_store: MakeSupabaseStore) -> Side:
    """The shared database over supabase-py."""
    return SupabaseSide(make_supabase_store(url))


@pytest.fixture(name="side", params=["embedded", "supabase"])
def side_fixture(request: pytest.FixtureRequest) -> Side:
    """Each of the two sides in turn."""
    side: Side = request.getfixturevalue(f"{request.param}_side")
    return side


MakeHostedDatabase = Callable[[str], str]


@pytest.fixture(name="make_hosted_database")
def make_hosted_database_fixture(server: Cluster) -> Iterator[MakeHostedDatabase]:
    """Makes databases as a hosted project starts out, lets the owner run some SQL in each, and gives their names."""
    made: list[sql.Identifier] = []
    with psycopg.connect(server.dsn(cluster.SUPERUSER), autocommit=True) as superuser:

        def make(owners_sql: str) -> str:
            name = f"hosted_{os.getpid()}_{next(_numbers)}"
            made.append(sql.Identifier(name))
            superuser.execute(sql.SQL("create database {}").format(made[-1]))
            with psycopg.connect(server.dsn(cluster.SUPERUSER, name)) as connection:
                connection.execute((PROJECT / "store" / "bootstrap.sql").read_bytes())
            with psycopg.connect(server.dsn(cluster.OWNER, name)) as connection:
                connection.execute(owners_sql.encode())
            return name

        yield make
        for identifier in made:
            superuser.execute(sql.SQL("drop database {} with (force)").format(identifier))


def _add_people(owner: psycopg.Connection) -> None:
    for person in PEOPLE:
        owner.execute("insert into auth.users (id, email) values (%s, %s)", [person.user_id, person.email])
        if person.role:
            owner.execute(
                "insert into public.console_roles (user_id, role) values (%s, %s)", [person.user_id, person.role]
            )


def _missing(reason: str) -> NoReturn:
    if os.environ.get("REQUIRE_SUPABASE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
