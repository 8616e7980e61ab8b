"""The permissions in the catalogue, for a database of ours and for an older hosted project."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.migrate import migrate
from tests.database.conftest import MakeHostedDatabase

RELATIONS = """
select relation.oid::regclass::text as name
from pg_class as relation
join pg_namespace as schema on schema.oid = relation.relnamespace
where schema.nspname = 'public' and relation.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
"""

FUNCTIONS = """
select function.oid::regprocedure::text as name
from pg_proc as function
join pg_namespace as schema on schema.oid = function.pronamespace
where schema.nspname in ('public', 'private')
"""

# Older hosted projects grant every new table and function to everybody: there a forgotten revoke is a security hole.
OPEN_HANDED = """
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
"""


@pytest.fixture(name="catalogue", params=["embedded", "hosted"])
def catalogue_fixture(request: pytest.FixtureRequest) -> psycopg.Connection:
    """A migrated database as its owner sees it; the hosted one had granted everything before."""
    connection: psycopg.Connection = request.getfixturevalue(
        "owner" if request.param == "embedded" else "open_handed_owner"
    )
    return connection


@pytest.fixture(name="open_handed_owner")
def open_handed_owner_fixture(
    server: Cluster, make_hosted_database: MakeHostedDatabase
) -> Iterator[psycopg.Connection]:
    """A hosted project of the older kind, migrated."""
    dsn = server.dsn(cluster.OWNER, make_hosted_database(OPEN_HANDED))
    migrate(dsn, exclusive=False)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def test_the_catalogue_holds_what_these_tests_look_at(catalogue: psycopg.Connection) -> None:
    """The queries below find tables and functions, so an empty list of violations is meaningful."""
    assert "audit_logs" in _offenders(catalogue, RELATIONS, "relation.relkind = 'r'")
    assert "private.append_events(jsonb)" in _offenders(catalogue, FUNCTIONS, "not function.prosecdef")


def test_every_table_has_row_level_security(catalogue: psycopg.Connection) -> None:
    """A table without it would be open to anybody with a grant."""
    assert _offenders(catalogue, RELATIONS, "relation.relkind in ('r', 'p') and not relation.relrowsecurity") == []


def test_no_table_forces_it_on_its_owner(catalogue: psycopg.Connection) -> None:
    """Security definer functions run as the owner and bypass the policies."""
    assert _offenders(catalogue, RELATIONS, "relation.relforcerowsecurity") == []


def test_every_view_asks_as_its_caller(catalogue: psycopg.Connection) -> None:
    """A view that runs as its owner bypasses row-level security; a materialized one always does."""
    asks_as_owner = "not coalesce(relation.reloptions::text ~* 'security_invoker=(true|on|1)', false)"
    readable = "has_table_privilege('authenticated', relation.oid, 'select')"
    condition = f"relation.relkind in ('v', 'm', 'f') and {asks_as_owner} and {readable}"
    assert _offenders(catalogue, RELATIONS, condition) == []


@pytest.mark.parametrize(
    ("role", "privilege"),
    [
        *(("anon", name) for name in ("select", "insert", "update", "references")),
        *(("authenticated", name) for name in ("insert", "update", "references")),
    ],
)
def test_no_column_is_granted(catalogue: psycopg.Connection, role: str, privilege: str) -> None:
    """Anonymous users have no grants, and signed-in users may only read, column by column too."""
    condition = f"relation.relkind <> 'S' and has_any_column_privilege('{role}', relation.oid, '{privilege}')"
    assert _offenders(catalogue, RELATIONS, condition) == []


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("privilege", ["delete", "truncate", "trigger"])
def test_no_table_is_granted_for_writing(catalogue: psycopg.Connection, role: str, privilege: str) -> None:
    """The functions are the only way to write."""
    condition = f"relation.relkind <> 'S' and has_table_privilege('{role}', relation.oid, '{privilege}')"
    assert _offenders(catalogue, RELATIONS, condition) == []


@pytest.mark.parametrize("role", ["public", "anon"])
def test_no_function_is_granted_to_everybody(catalogue: psycopg.Connection, role: str) -> None:
    """Postgres grants each new function to PUBLIC, which a migration must revoke."""
    condition = f"has_function_privilege('{role}', function.oid, 'execute')"
    assert _offenders(catalogue, FUNCTIONS, condition) == []


def test_functions_with_the_rights_of_their_owner_have_an_empty_search_path(
    catalogue: psycopg.Connection,
) -> None:
    """Otherwise a caller's own objects could replace what the function refers to."""
    condition = """function.prosecdef and not 'search_path=""' = any (coalesce(function.proconfig, '{}'))"""
    assert _offenders(catalogue, FUNCTIONS, condition) == []


def test_of_the_private_functions_only_what_policies_ask_is_granted(catalogue: psycopg.Connection) -> None:
    """Functions that write without checks are for other functions only."""
    condition = "schema.nspname = 'private' and has_function_privilege('authenticated', function.oid, 'execute')"
    granted = _offenders(catalogue, FUNCTIONS, condition)
    assert granted == [
        "private.may(text)",
        "private.readable_actor()",
        "private.setting_keys()",
        "private.system_keys()",
    ]


@pytest.mark.parametrize("schema", ["public", "private", "supabase_migrations"])
@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_nobody_makes_objects_in_a_schema(catalogue: psycopg.Connection, role: str, schema: str) -> None:
    """The role of a request cannot create its own function or table next to ours."""
    row = catalogue.execute("select has_schema_privilege(%s, %s, 'create')", [role, schema]).fetchone()
    assert row == (False,)


def _offenders(connection: psycopg.Connection, objects: str, condition: str) -> list[str]:
    rows = connection.execute(f"{objects} and ({condition}) order by name".encode())
    return [row[0] for row in rows]
