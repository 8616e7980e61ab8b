"""Who may call the API: tokens with their scopes, and people of a hosted project with their roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg import sql

from orchestrator import bootstrap
from store.api_tokens import list_api_tokens, revoke_api_token
from store.hashed import sha256_of
from store.hosted.supabase import SupabaseStore
from store.identity import PasswordLogin
from tests.conftest import PooledStore
from tests.database.gateway import API_KEY, API_KEYS, serving
from tests.hosted.api_rig import (
    BODY,
    ROUTE,
    api_fixture,
    app_of,
    bearer,
    client_of,
    console_fixture,
    desk_fixture,
    exactly,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
    token_of,
)
from tests.hosted.project import MACHINE, PASSWORD, STRANGER, HostedProject

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

NOBODYS = UUID("00000000-0000-4000-8000-00000000000a")
RUNS = {"events": [{"action": "AGENT_EXECUTION_COMPLETED", "agent_id": "agent-1"}]}
REQUESTS: dict[str, tuple[str, str, Any]] = {
    "generate": ("POST", ROUTE, BODY),
    "read": ("GET", f"/generations/{NOBODYS}", None),
    "settings": ("GET", "/settings", None),
    "report": ("GET", "/report", None),
    "describe": ("GET", "/openapi.json", None),
    "record": ("POST", "/audit-events", RUNS),
    "export": ("GET", "/audit-events", None),
}
ALLOWED_TO_TOKENS = {
    "generate": {"generate", "read"},
    "report": {"settings", "report", "describe"},
    "events": {"record"},
}
ALLOWED_TO_ROLES = {
    "admin@example.com": {"generate", "read", "settings", "report", "describe", "export"},
    "pm@example.com": {"settings", "report", "describe", "export"},
    "engineer@example.com": {"generate", "read", "settings", "report", "describe"},
    MACHINE: {"settings", "describe", "record"},
    STRANGER: set[str](),
}


def allowed(api: httpx.Client, headers: dict[str, str]) -> set[str]:
    """What the bearer of a token may do; everything else must be refused with 403."""
    found = set()
    for name, (method, path, body) in REQUESTS.items():
        answer = api.request(method, path, json=body, headers=headers)
        if answer.status_code == 403:
            assert problem_in(answer) == (403, "not_permitted")
        else:
            assert answer.status_code == (404 if name == "read" else 200), (name, answer.text)
            found.add(name)
    return found


@pytest.mark.parametrize("scope", ALLOWED_TO_TOKENS)
def test_each_scope_opens_its_routes(api: httpx.Client, store: PooledStore, scope: str) -> None:
    """It opens these and no others."""
    assert allowed(api, bearer(token_of(store, scope))) == ALLOWED_TO_TOKENS[scope]


def test_scopes_add_up(api: httpx.Client, store: PooledStore) -> None:
    """A token with all scopes may do all but read the audit log."""
    assert allowed(api, bearer(token_of(store, *ALLOWED_TO_TOKENS))) == set(REQUESTS) - {"export"}


def test_a_revoked_token_is_refused_at_once(api: httpx.Client, store: PooledStore) -> None:
    """The very next request is; another token goes on."""
    revoked, other = token_of(store, "report"), token_of(store, "report", name="another")
    assert api.get("/settings", headers=bearer(revoked)).status_code == 200
    (token_id,) = [token.token_id for token in list_api_tokens(store.person()) if token.name == "a backend"]
    revoke_api_token(store.person(), token_id)
    refused = api.get("/settings", headers=bearer(revoked))

    assert problem_in(refused) == (401, "not_signed_in")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert api.get("/settings", headers=bearer(other)).status_code == 200


def test_a_generation_outlives_its_token(api: httpx.Client, store: PooledStore) -> None:
    """What a revoked token generated stays readable for the admin."""
    token = token_of(store, "generate")
    generation_id = api.post(ROUTE, json=BODY, headers=bearer(token)).json()["generation_id"]
    revoke_api_token(store.person(), list_api_tokens(store.person())[0].token_id)

    assert problem_in(api.get(f"/generations/{generation_id}", headers=bearer(token)))[0] == 401
    assert api.get(f"/generations/{generation_id}").json()["status"] == "succeeded"


def test_the_use_of_a_token_is_seen(api: httpx.Client, store: PooledStore, owner: psycopg.Connection) -> None:
    """The list says when it was last used, also for a request that it may not make again."""
    token = token_of(store, "report")
    assert [each.last_used_at for each in list_api_tokens(store.person())] == [None]
    (before,) = rows(owner, "select clock_timestamp()")
    api.get("/settings", headers=bearer(token))
    (after,) = rows(owner, "select clock_timestamp()")
    (used,) = [each.last_used_at for each in list_api_tokens(store.person())]

    assert used is not None
    assert before <= used <= after


def test_only_its_hash_is_in_the_database(api: httpx.Client, store: PooledStore, owner: psycopg.Connection) -> None:
    """No row of any table holds the token after it was used; its hash is in the one table of tokens."""
    token = token_of(store, "generate", "report", "events")
    assert len(allowed(api, bearer(token))) == 6
    secret = token.removeprefix("oc_")

    assert tables_with(owner, secret) == set()
    assert tables_with(owner, secret[-12:]) == set()
    assert tables_with(owner, sha256_of(token)) == {"private.api_tokens"}


def tables_with(owner: psycopg.Connection, text: str) -> set[str]:
    """The tables with a row that contains this text."""
    tables = rows(
        owner,
        "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    )
    assert ("private", "api_tokens") in tables
    assert ("public", "audit_logs") in tables
    found = set()
    for schema, table in tables:
        statement = sql.SQL("select exists (select from {} as row where strpos(row::text, %s) > 0)")
        answer = owner.execute(statement.format(sql.Identifier(schema, table)), [text]).fetchone()
        if answer == (True,):
            found.add(f"{schema}.{table}")
    return found


def test_a_token_acts_in_its_own_name(api: httpx.Client, store: PooledStore, owner: psycopg.Connection) -> None:
    """The generation and its event belong to the token, not to a person, and not to the orchestrator."""
    api.post(ROUTE, json=BODY, headers=bearer(token_of(store, "generate")))
    (token_id,) = rows(owner, "select token_id::text from private.api_tokens")
    actor = (f"token:{token_id}", None)

    assert rows(owner, "select actor_id, user_id from public.workflows") == [actor]
    assert rows(owner, "select actor_id, user_id from public.audit_logs where action = 'WORKFLOW_GENERATED'") == [actor]


def test_the_header_for_the_database_is_not_for_callers(api: httpx.Client, store: PooledStore) -> None:
    """Who sends the hash of a token in the header that the console itself uses stays who they are."""
    token = token_of(store, "report")
    refused = api.get("/report", headers={"x-console-token": sha256_of(token), "authorization": "Bearer oc_nobody's"})

    assert problem_in(refused) == (401, "not_signed_in")
    assert problem_in(api.get("/report", headers=bearer(sha256_of(token)))) == (401, "not_signed_in")


def test_the_health_check_needs_no_sign_in(api: httpx.Client) -> None:
    """It answers 200 while the database does, whatever token is sent."""
    answer = api.get("/health", headers=bearer("oc_nobody's"))

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


@pytest.fixture(name="hosted", scope="module")
def hosted_fixture(project: HostedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the API of a hosted project's console."""
    variables = project.environment(tmp_path_factory.mktemp("api")) | {"ORCHESTRATOR_OFFLINE_SPEED": "0"}
    with pytest.MonkeyPatch.context() as environment, ExitStack() as stack:
        environment.setenv("NO_PROXY", variables["NO_PROXY"])
        application = stack.enter_context(closing(bootstrap(variables)))
        url = stack.enter_context(serving(app_of(lambda: application, variables)))
        yield stack.enter_context(client_of(url))


@pytest.fixture(name="people", scope="module")
def people_fixture(project: HostedProject) -> Iterator[dict[str, dict[str, str]]]:
    """The header of each user who has signed in."""
    with closing(SupabaseStore(project.url, API_KEY)) as store:
        yield {
            email: bearer(store.auth.sign_in(PasswordLogin(email, PASSWORD)).access_token) for email in ALLOWED_TO_ROLES
        }


@pytest.mark.parametrize("email", ALLOWED_TO_ROLES)
def test_each_role_opens_its_routes(hosted: httpx.Client, people: dict[str, dict[str, str]], email: str) -> None:
    """With the token of a signed-in user, the API allows what the screen allows, and no more."""
    assert allowed(hosted, people[email]) == ALLOWED_TO_ROLES[email]


def test_without_a_token_nobody_is_signed_in(hosted: httpx.Client) -> None:
    """Neither without any header nor with the token of another project: 401 at every route but the health check."""
    for method, path, body in REQUESTS.values():
        for headers in ({}, bearer("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.forged")):
            refused = hosted.request(method, path, json=body, headers=headers)
            assert problem_in(refused) == (401, "not_signed_in"), (path, headers)
    assert hosted.get("/health").status_code == 200


def test_the_public_key_of_a_project_is_no_user(hosted: httpx.Client) -> None:
    """Everybody may know it, so it opens nothing."""
    for key in API_KEYS:
        assert allowed(hosted, bearer(key)) == set()


def test_people_read_their_own_generations(hosted: httpx.Client, people: dict[str, dict[str, str]]) -> None:
    """An engineer reads theirs, digit by digit, and not the admin's; an admin reads all."""
    admin, engineer = people["admin@example.com"], people["engineer@example.com"]
    theirs, admins = (hosted.post(ROUTE, json=BODY, headers=headers) for headers in (engineer, admin))
    path = f"/generations/{theirs.json()['generation_id']}"

    assert exactly(hosted.get(path, headers=engineer))["result"] == exactly(theirs)
    assert hosted.get(path, headers=admin).status_code == 200
    other = hosted.get(f"/generations/{admins.json()['generation_id']}", headers=engineer)
    assert problem_in(other) == (404, "not_found")


def test_a_repetition_in_a_hosted_project(hosted: httpx.Client, people: dict[str, dict[str, str]]) -> None:
    """The same key gives one person the same bytes, and another person a generation of their own."""
    headers = {"idempotency-key": "order-7"}
    first, second = (hosted.post(ROUTE, json=BODY, headers=people["admin@example.com"] | headers) for _ in range(2))
    other = hosted.post(ROUTE, json=BODY, headers=people["engineer@example.com"] | headers)

    assert first.status_code == 200
    assert first.content == second.content
    assert other.status_code == 200
    assert other.json()["generation_id"] != first.json()["generation_id"]
