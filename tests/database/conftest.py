"""One migrated database for all of these tests, seen from both sides: through psycopg and through supabase-py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import NoReturn, Protocol

import psycopg
import pytest
from psycopg import sql

from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.embedded.connections import Connections
from store.environment import PROJECT
from store.hosted.supabase import SupabaseStore
from tests.conftest import TEMPLATE
from tests.database import postgrest
from tests.database.calls import AuditLog
from tests.database.gateway import API_KEY, JWT_SECRET, Gateway, serving
from tests.database.sides import PEOPLE, EmbeddedSide, Side, SupabaseSide

_numbers = count()

PROBES = Path(__file__).parent / "probes.sql"


@pytest.fixture(name="project", scope="session")
def project_fixture(server: Cluster) -> Iterator[str]:
    """The name of the shared database: migrated, with its users and the functions that only tests call."""
    name = f"project_{os.getpid()}"
    identifier = sql.Identifier(name)
    with psycopg.connect(server.dsn(cluster.SUPERUSER), autocommit=True) as superuser:
        statement = sql.SQL("create database {} template {} owner postgres")
        superuser.execute(statement.format(identifier, sql.Identifier(TEMPLATE)))
        limit = sql.SQL("alter role authenticator in database {} set statement_timeout = {}")
        superuser.execute(limit.format(identifier, postgrest.STATEMENT_LIMIT))
        with psycopg.connect(server.dsn(cluster.OWNER, name)) as owner:
            _add_people(owner)
            owner.execute(PROBES.read_bytes())
        yield name
        superuser.execute(sql.SQL("drop database {} with (force)").format(identifier))


@pytest.fixture(name="project_owner")
def project_owner_fixture(server: Cluster, project: str) -> Iterator[psycopg.Connection]:
    """The shared database as its owner sees it."""
    with psycopg.connect(server.dsn(cluster.OWNER, project), autocommit=True) as connection:
        yield connection


@pytest.fixture(name="audit_log")
def audit_log_fixture(project_owner: psycopg.Connection) -> AuditLog:
    """The audit log of the shared database, with its state at the start of the test."""
    return AuditLog(project_owner)


@pytest.fixture(name="gateway_and_url", scope="session")
def gateway_and_url_fixture(
    server: Cluster, project: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, str]]:
    """A Supabase project over the shared database: PostgREST behind the gateway."""
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
    """The value that SUPABASE_URL would have."""
    return gateway_and_url[1]


class MakeSupabaseStore(Protocol):
    """Creates stores."""

    def __call__(self, url: str, key: str = API_KEY) -> SupabaseStore:
        """A store of the project at this address."""


@pytest.fixture(name="make_supabase_store", scope="session")
def make_supabase_store_fixture() -> Iterator[MakeSupabaseStore]:
    """Creates stores and closes them; the developer's proxies are not used for this machine."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "127.0.0.1")

        def make(url: str, key: str = API_KEY) -> SupabaseStore:
            store = SupabaseStore(url, key)
            stack.callback(store.close)
            return store

        yield make


@pytest.fixture(name="embedded_side", scope="session")
def embedded_side_fixture(server: Cluster, project: str) -> Iterator[Side]:
    """The shared database through psycopg."""
    with Connections(server.dsn(cluster.AUTHENTICATOR, project)) as pool:
        yield EmbeddedSide(pool)


@pytest.fixture(name="supabase_side", scope="session")
def supabase_side_fixture(url: str, make_supabase_store: MakeSupabaseStore) -> Side:
    """The shared database through supabase-py."""
    return SupabaseSide(make_supabase_store(url))


@pytest.fixture(name="side", params=["embedded", "supabase"])
def side_fixture(request: pytest.FixtureRequest) -> Side:
    """Each of the two sides in turn."""
    side: Side = request.getfixturevalue(f"{request.param}_side")
    return side


MakeHostedDatabase = Callable[[str], str]


@pytest.fixture(name="make_hosted_database")
def make_hosted_database_fixture(server: Cluster) -> Iterator[MakeHostedDatabase]:
    """Creates databases in a hosted project's initial state, runs SQL as the owner in each, returns their names."""
    made: list[sql.Identifier] = []
    with psycopg.connect(server.dsn(cluster.SUPERUSER), autocommit=True) as superuser:

        def make(owners_sql: str) -> str:
            name = f"hosted_{os.getpid()}_{next(_numbers)}"
            made.append(sql.Identifier(name))
            superuser.execute(sql.SQL("create database {}").format(made[-1]))
            with psycopg.connect(server.dsn(cluster.SUPERUSER, name)) as connection:
                connection.execute((PROJECT / "store" / "embedded" / "bootstrap.sql").read_bytes())
            with psycopg.connect(server.dsn(cluster.OWNER, name)) as connection:
                connection.execute(owners_sql.encode())
            return name

        yield make
        for identifier in made:
            superuser.execute(sql.SQL("drop database {} with (force)").format(identifier))


@pytest.fixture(name="hosted")
def hosted_fixture(server: Cluster, make_hosted_database: MakeHostedDatabase) -> str:
    """The owner's libpq string for a hosted project that has never been migrated."""
    return server.dsn(cluster.OWNER, make_hosted_database(""))


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
