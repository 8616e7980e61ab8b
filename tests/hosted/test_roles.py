"""Nobody becomes an admin by themselves, changes anything without their second factor, or stays after they are gone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from store import Argument, Database, InvalidInput, NotPermitted, StoreError
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.embedded.database import EmbeddedDatabase
from store.identity import LOCAL_MACHINE_ID, LOCAL_PERSON_ID, Identity
from tests.conftest import PooledStore
from tests.database.calls import AuditLog, field_of
from tests.hosted.callers import NAMES, PEOPLE, SideName, World, only

TOKENS = "select count(*) from private.api_tokens"
ADMINS = "select count(*) from public.console_roles where role = 'admin'"
_PATIENCE_S = 20.0
_LOOK_EVERY_S = 0.01


def roles_of(owner: psycopg.Connection) -> list[Any]:
    """Who has which role."""
    return owner.execute("select user_id, role from public.console_roles order by user_id").fetchall()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("admin", "with code", "nobody")])
@pytest.mark.parametrize("side", ["embedded", "hosted"])
def test_nobody_makes_themselves_an_admin(
    world: World, world_owner: psycopg.Connection, side: SideName, name: str
) -> None:
    """By id or by address, and an admin not without the second factor."""
    before, database = roles_of(world_owner), world.database(side, name)
    for person in (world.callers[name].identity.user_id, PEOPLE.get(name, PEOPLE["stranger"])):
        for role in ("admin", "orchestrator", None):
            with pytest.raises(StoreError) as refused:
                database.call("set_role", p_person=person, p_role=role)
            assert refused.value.code in ("not_permitted", "not_signed_in")
    assert roles_of(world_owner) == before


@pytest.mark.parametrize("name", ["admin", "pm", "engineer", "machine", "stranger", "banned", "nobody"])
def test_no_row_makes_anybody_an_admin(
    world: World, world_owner: psycopg.Connection, rest: httpx.Client, name: str
) -> None:
    """Neither an insert, an upsert or an update, nor a private function by its name."""
    before, caller = roles_of(world_owner), world.callers[name]
    mine = {"user_id": caller.identity.user_id or world.callers["stranger"].identity.user_id, "role": "admin"}
    merging = caller.headers | {"prefer": "resolution=merge-duplicates"}
    answers = [
        rest.post("/console_roles", json=mine, headers=caller.headers),
        rest.post("/console_roles?on_conflict=user_id", json=mine, headers=merging),
        rest.put(f"/console_roles?user_id=eq.{mine['user_id']}", json=mine, headers=caller.headers),
        rest.patch("/console_roles?role=neq.admin", json={"role": "admin"}, headers=caller.headers),
        rest.post("/rpc/change_role", json={"p_user_id": mine["user_id"], "p_role": "admin"}, headers=caller.headers),
    ]
    assert {answer.json()["code"] for answer in answers} == {"42501", "PGRST202"}
    assert roles_of(world_owner) == before


@pytest.mark.parametrize(
    ("person", "role"), [("stranger", "orchestrator"), ("stranger", "Admin"), ("machine", "admin"), ("machine", None)]
)
def test_an_admin_makes_no_orchestrator(
    world: World, world_owner: psycopg.Connection, person: str, role: str | None
) -> None:
    """That role is given in a terminal, and so taken: it records, and keeps everybody's sessions."""
    before = roles_of(world_owner)
    with pytest.raises(InvalidInput):
        world.database("hosted", "admin").call("set_role", p_person=PEOPLE[person], p_role=role)
    assert roles_of(world_owner) == before


def test_nor_does_a_ban_change_that(store: PooledStore, owner: psycopg.Connection) -> None:
    """An orchestrator that is banned for a while is still the orchestrator."""
    owner.execute("update auth.users set banned_until = 'infinity' where id = %s", [LOCAL_MACHINE_ID])
    with pytest.raises(InvalidInput):
        store.person().call("set_role", p_person=LOCAL_MACHINE_ID, p_role="admin")


def test_an_address_of_two_users_is_nobodys(
    server: Cluster, database_name: str, store: PooledStore, owner: psycopg.Connection
) -> None:
    """Supabase lets a user of single sign-on have the address of another: who is meant, only an id can say."""
    with psycopg.connect(server.dsn(cluster.SUPERUSER, database_name), autocommit=True) as superuser:
        superuser.execute("alter table auth.users drop constraint users_email_key")
    for _ in range(2):
        owner.execute("insert into auth.users (id, email) values (%s, 'pat@example.com')", [uuid4()])
    with pytest.raises(InvalidInput):
        store.person().call("set_role", p_person="pat@example.com", p_role="admin")


@pytest.mark.parametrize(
    "scopes", [["record"], ["report", "keep_sessions"], [None], [["report"]], ["*"], "report", {"report": 1}, []]
)
def test_no_token_gets_a_scope_of_its_own(world: World, world_owner: psycopg.Connection, scopes: Argument) -> None:
    """Only those that are scopes, so that no token stands in for the orchestrator or an admin."""
    before = only(world_owner, TOKENS)
    arguments = GUARDED["make_api_token"] | {"p_scopes": scopes}
    with pytest.raises(InvalidInput):
        world.database("hosted", "admin").call("make_api_token", **arguments)
    assert only(world_owner, TOKENS) == before


GUARDED: dict[str, dict[str, Argument]] = {
    "save_settings": {"p_changes": {"orchestrator_enable_fallback": False}},
    "set_role": {"p_person": PEOPLE["stranger"], "p_role": "pm"},
    "make_api_token": {
        "p_name": "n", "p_scopes": ["report"], "p_requests_per_minute": 1, "p_secret_sha256": "f" * 64, "p_hint": "h",
    },
    "erase_texts": {"p_actor": "customer-8"},
    "set_text_retention": {"p_days": 30},
}  # fmt: skip
UNDONE: dict[str, dict[str, Argument]] = {
    "save_settings": {"p_changes": {"orchestrator_enable_fallback": True}},
    "set_role": {"p_person": PEOPLE["stranger"], "p_role": None},
    "set_text_retention": {"p_days": None},
}


@pytest.mark.parametrize("function", GUARDED)
def test_a_second_factor_must_be_used(world: World, world_owner: psycopg.Connection, function: str) -> None:
    """Without its code an admin who has one changes nothing; with it they do."""
    log = AuditLog(world_owner)
    with pytest.raises(NotPermitted, match="second factor"):
        world.database("hosted", "without code").call(function, **GUARDED[function])
    assert log.changes() == []

    world.database("hosted", "with code").call(function, **GUARDED[function])
    assert len(log.changes()) == 1
    if function in UNDONE:
        world.database("hosted", "with code").call(function, **UNDONE[function])


def test_a_token_is_revoked_only_with_the_second_factor(world: World, world_owner: psycopg.Connection) -> None:
    """As for making one."""
    statement = """
        insert into private.api_tokens (name, secret_sha256, hint, scopes, requests_per_minute)
        values ('to be revoked', %s, 'oc_', '{report}', 1) returning token_id::text
    """
    (token_id,) = only(world_owner, statement, "e" * 64)
    with pytest.raises(NotPermitted, match="second factor"):
        world.database("hosted", "without code").call("revoke_api_token", p_token_id=token_id)
    assert world.database("hosted", "with code").call("revoke_api_token", p_token_id=token_id) == {}


def test_a_second_factor_that_was_only_begun_is_none(store: PooledStore, owner: psycopg.Connection) -> None:
    """Whoever closed the page in the middle of setting one up is not locked out."""
    statement = "insert into auth.mfa_factors (user_id, status) values (%s, %s)"
    owner.execute(statement, [LOCAL_PERSON_ID, "unverified"])
    assert store.person().call("set_text_retention", p_days=30) == {"days": 30}
    owner.execute(statement, [LOCAL_PERSON_ID, "verified"])
    with pytest.raises(NotPermitted, match="second factor"):
        store.person().call("set_text_retention", p_days=None)


@pytest.fixture(name="admins")
def admins_fixture(store: PooledStore, owner: psycopg.Connection) -> dict[str, Database]:
    """The two admins of a project, by their ids."""
    ids = [LOCAL_PERSON_ID, str(uuid4())]
    owner.execute("insert into auth.users (id, email) values (%s, 'second@example.com')", [ids[1]])
    owner.execute("insert into public.console_roles (user_id, role) values (%s, 'admin')", [ids[1]])
    return {user_id: EmbeddedDatabase(store.pool, Identity(user_id)) for user_id in ids}


@pytest.mark.parametrize("role", [None, "pm", "engineer"])
def test_the_last_admin_stays(admins: dict[str, Database], owner: psycopg.Connection, role: str | None) -> None:
    """They can neither leave nor become something else."""
    first, second = admins
    assert admins[first].call("set_role", p_person=second, p_role=role) == {}
    with pytest.raises(InvalidInput, match="needs an admin"):
        admins[first].call("set_role", p_person=first, p_role=role)
    assert only(owner, ADMINS) == (1,)


def test_two_admins_do_not_withdraw_each_other(
    admins: dict[str, Database], owner: psycopg.Connection, store: PooledStore
) -> None:
    """Both calls are let in and then wait for the same lock: one of them is the last admin by then."""
    first, second = admins

    def withdraw(by: str, whom: str) -> str:
        with suppress(InvalidInput):
            admins[by].call("set_role", p_person=whom, p_role=None)
            return "withdrawn"
        return "refused"

    with ThreadPoolExecutor(2) as threads:
        with owner.transaction():
            owner.execute("select pg_advisory_xact_lock(20261128, 1)")
            calls = [threads.submit(withdraw, *pair) for pair in ((first, second), (second, first))]
            _until_waiting(owner, 2)
        outcomes = sorted(call.result(_PATIENCE_S) for call in calls)

    assert outcomes == ["refused", "withdrawn"]
    assert only(owner, ADMINS) == (1,)


def _until_waiting(owner: psycopg.Connection, number: int) -> None:
    """Wait until so many transactions wait for the lock on roles."""
    query = "select count(*) from pg_locks where locktype = 'advisory' and classid = 20261128 and not granted"
    for _ in range(int(_PATIENCE_S / _LOOK_EVERY_S)):
        if owner.execute(query).fetchone() == (number,):
            return
        threading.Event().wait(_LOOK_EVERY_S)
    raise AssertionError(f"there are not {number} transactions that wait")


@pytest.mark.parametrize("column", ["banned_until", "deleted_at"])
def test_an_admin_who_cannot_sign_in_is_none(
    admins: dict[str, Database], owner: psycopg.Connection, column: str
) -> None:
    """The last admin who can still do something stays."""
    first, second = admins
    statement = sql.SQL("update auth.users set {} = 'infinity' where id = %s")
    owner.execute(statement.format(sql.Identifier(column)), [second])
    with pytest.raises(InvalidInput, match="needs an admin"):
        admins[first].call("set_role", p_person=first, p_role=None)


@pytest.mark.parametrize("name", ["withdrawn", "banned"])
def test_who_is_gone_is_nobody(world: World, name: str) -> None:
    """Their token of before is still good for the project, but not for the console."""
    told = world.database("hosted", name).call("whoami")
    assert (field_of(told, "role"), field_of(told, "permissions")) == (None, [])


@pytest.mark.parametrize("name", ["withdrawn", "banned"])
def test_who_is_gone_reads_no_event(world: World, rest: httpx.Client, name: str) -> None:
    """`Deleting a row revokes access at once, even while the user's token is still valid`: also to their own events."""
    assert rest.get("/audit_logs", headers=world.callers[name].headers).json() == []
