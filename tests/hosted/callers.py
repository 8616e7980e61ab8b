"""Everybody who may call a hosted project's database, each with the same rights on the embedded side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import psycopg

from store import Database, clock
from store.api_tokens import list_api_tokens, make_api_token, revoke_api_token
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.embedded.connections import Connections
from store.embedded.database import EmbeddedDatabase
from store.hashed import sha256_of
from store.hosted.auth import Tokens
from store.hosted.sessions import GivenIdentity
from store.hosted.supabase import SupabaseDatabase, SupabaseStore
from store.identity import NOBODY, Identity, PasswordLogin
from tests.database.calls import a_record
from tests.database.gateway import API_KEY
from tests.hosted.project import MACHINE, PASSWORD, STRANGER, HostedProject, hosted_project
from tests.supabase_auth import totp

SideName = Literal["embedded", "hosted"]

PEOPLE = {
    "admin": "admin@example.com",
    "pm": "pm@example.com",
    "engineer": "engineer@example.com",
    "machine": MACHINE,
    "stranger": STRANGER,
    "withdrawn": "withdrawn@example.com",
    "banned": "banned@example.com",
    "without code": "careful@example.com",
    "with code": "careful@example.com",
}
"""The callers who are people, or the orchestrator; the last two are one admin with a second factor."""
TOKENS: dict[str, list[str]] = {
    "token generate": ["generate"],
    "token report": ["report"],
    "token events": ["events"],
    "token revoked": ["generate", "report", "events"],
}
NAMES = (*PEOPLE, "nobody", *TOKENS, "token of nothing", "token unknown")
_OTHERS = {"withdrawn@example.com": "admin", "banned@example.com": "admin", "careful@example.com": "admin"}
_ALWAYS = datetime(2199, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token of Supabase Auth, or the orchestrator on behalf of an API token."""

    identity: Identity = NOBODY
    token_sha256: str | None = None
    token_id: str | None = None

    @property
    def actor_id(self) -> str | None:
        """Who generates, if this caller does."""
        return f"token:{self.token_id}" if self.token_id else self.identity.user_id

    @property
    def headers(self) -> dict[str, str]:
        """What a request to PostgREST has besides the project's key."""
        bearer = {"authorization": f"Bearer {self.identity.access_token}"} if self.identity.access_token else {}
        return bearer | ({"x-console-token": self.token_sha256} if self.token_sha256 else {})


@dataclass(frozen=True, slots=True)
class World:
    """A project with every kind of caller, and both ways to its database."""

    project: HostedProject
    store: SupabaseStore
    pool: Connections
    callers: dict[str, Caller]

    def database(self, side: SideName, name: str) -> Database:
        """The database as this caller sees it."""
        caller = self.callers[name]
        if side == "embedded":
            return EmbeddedDatabase(self.pool, caller.identity, api_token_sha256=caller.token_sha256)
        return SupabaseDatabase(self.store, GivenIdentity(caller.identity), api_token_sha256=caller.token_sha256)

    def generate(self, name: str, prompt: str) -> str:
        """Record a generation that this caller asked for, with one rejected reply; returns its id."""
        machine, generation_id, caller = self.database("embedded", "machine"), str(uuid4()), self.callers[name]
        run = {
            "generation_id": generation_id, "origin": "api", "prompt": prompt, "actor_id": caller.actor_id,
            "user_id": None if caller.token_id else caller.identity.user_id,
        }  # fmt: skip
        machine.call("start_generation", p_generation=json.dumps(run), p_limit_s=600)
        record = json.loads(a_record()) | {"rejected_outputs": [{"attempt": 0, "text": f"rejected: {prompt}"}]}
        machine.call("finish_generation", p_generation_id=generation_id, p_record=json.dumps(record))
        return generation_id


def only(owner: psycopg.Connection, query: str, *values: object) -> Any:
    """The one row of a query."""
    (row,) = owner.execute(query.encode(), values).fetchall()
    return row


@contextmanager
def world(server: Cluster, database: str, folder: Path) -> Iterator[World]:
    """A world over a migrated database."""
    with ExitStack() as stack:
        project = stack.enter_context(hosted_project(server, database, folder))
        store = SupabaseStore(project.url, API_KEY)
        stack.callback(store.close)
        pool = stack.enter_context(Connections(server.dsn(cluster.AUTHENTICATOR, database)))
        made = World(project, store, pool, {"nobody": Caller()})
        _add_people(made)
        _add_tokens(made)
        assert set(made.callers) == set(NAMES)
        yield made


def _add_people(made: World) -> None:
    """Everybody signs in while they still may."""
    auth, owner = made.project.auth, made.project.owner
    with psycopg.connect(owner) as connection:
        for email, role in _OTHERS.items():
            user = auth.add_user(email, PASSWORD)
            statement = "insert into public.console_roles (user_id, role) values (%s, %s)"
            connection.execute(statement, [user.id, role])
    secret = auth.enroll_totp(PEOPLE["without code"])
    for name, email in PEOPLE.items():
        tokens = made.store.auth.sign_in(PasswordLogin(email, PASSWORD))
        if name == "with code":
            tokens = made.store.auth.verify_second_factor(tokens, totp(secret, clock.now()))
        made.callers[name] = Caller(_identity(tokens))
    # An event of their own, from when they were admins.
    for name in ("withdrawn", "banned"):
        made.database("embedded", name).call("note_audit_log_read", p_filters={}, p_exported=False)
    made.database("embedded", "admin").call("set_role", p_person=PEOPLE["withdrawn"], p_role=None)
    auth.ban(PEOPLE["banned"], _ALWAYS)


def _identity(tokens: Tokens) -> Identity:
    return Identity(tokens.user_id, tokens.access_token)


def _add_tokens(made: World) -> None:
    admin, machine = made.database("embedded", "admin"), made.callers["machine"].identity
    secrets = {name: make_api_token(admin, name, scopes) for name, scopes in TOKENS.items()}
    ids = {token.name: token.token_id for token in list_api_tokens(admin)}
    revoke_api_token(admin, ids["token revoked"])
    for name, secret in secrets.items():
        made.callers[name] = Caller(machine, sha256_of(secret), ids[name])
    made.callers["token unknown"] = Caller(machine, sha256_of("oc_made-up"), str(uuid4()))
    statement = """
        insert into private.api_tokens (name, secret_sha256, hint, scopes, requests_per_minute)
        values ('token of nothing', %s, 'oc_', '{}', 60) returning token_id::text
    """
    with psycopg.connect(made.project.owner) as connection:
        row: Any = connection.execute(statement, [sha256_of("oc_nothing")]).fetchone()
    made.callers["token of nothing"] = Caller(machine, sha256_of("oc_nothing"), row[0])
