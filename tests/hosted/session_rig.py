"""Stores of several hosts, in this process or one of their own, and the sessions they share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import sql

from store import StoreSettings
from store.caller import who_is
from store.environment import PROJECT
from store.hosted.browsers import BrowserSession
from store.hosted.supabase import SupabaseStore
from store.identity import PasswordLogin
from tests.hosted.project import PASSWORD, HostedProject
from tests.supabase_auth import AuthServer

LIMIT_S = 60
NOBODYS = {"ip_address": None, "user_agent": None}
START = """
import sys
from store import StoreSettings, connect, read_environment
store = connect(StoreSettings.from_environment(read_environment()))
"""


class MakeStore(Protocol):
    """Creates stores."""

    def __call__(self, **environment: str) -> SupabaseStore:
        """The store of one host of the shared project, with further variables."""


@pytest.fixture(name="make_store")
def make_store_fixture(project: HostedProject, auth: AuthServer, tmp_path: Path) -> Iterator[MakeStore]:
    """Creates stores and closes them."""
    with ExitStack() as stack:

        def make(**environment: str) -> SupabaseStore:
            settings = StoreSettings.from_environment(project.environment(tmp_path) | environment)
            assert settings.supabase_url
            assert settings.supabase_key
            store = SupabaseStore(
                settings.supabase_url, settings.supabase_key, machine=settings.machine,
                cookie_secret=settings.cookie_secret,
            )  # fmt: skip
            stack.callback(store.close)
            return store

        yield make


@pytest.fixture(name="store")
def store_fixture(make_store: MakeStore) -> SupabaseStore:
    """A host of the project."""
    return make_store()


@pytest.fixture(name="variables")
def variables_fixture(project: HostedProject, tmp_path: Path) -> dict[str, str]:
    """The environment of a host in a process of its own."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)} | project.environment(tmp_path)


def opened(store: SupabaseStore, email: str) -> str:
    """Sign in; returns the secret of the new session."""
    return store.browsers().open(store.auth.sign_in(PasswordLogin(email, PASSWORD)), "password", NOBODYS)


def found(store: SupabaseStore, secret: str) -> BrowserSession:
    """The session of a secret, which must be there."""
    session = store.browsers().find(secret)
    assert session
    return session


def user_of(store: SupabaseStore, session: BrowserSession) -> str:
    """Whom the database sees when this session calls it."""
    return who_is(store.signed_in(session)).user_id


def move(owner: psycopg.Connection, column: str, seconds: float) -> None:
    """Set a time of every session to so many seconds from now, by the database's clock."""
    statement = sql.SQL("update private.sessions set {} = now() + {} * interval '1 second'")
    owner.execute(statement.format(sql.Identifier(column), seconds))


def renewals(auth: AuthServer) -> int:
    """How often a renewal was asked for."""
    return auth.calls["token/refresh_token"]


def python(script: str, *arguments: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, to its end."""
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=dict(variables), capture_output=True, text=True, timeout=LIMIT_S, check=False)
