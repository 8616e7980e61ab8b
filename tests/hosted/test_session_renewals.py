"""Sessions are renewed by several processes together, through deaths and outages."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import ExitStack

import psycopg
import pytest

from store import NotSignedIn, Unavailable
from store.hosted import browsers
from store.hosted.supabase import SupabaseStore
from tests.hosted.project import NewPerson
from tests.hosted.session_rig import (
    LIMIT_S,
    START,
    MakeStore,
    found,
    make_store_fixture,
    move,
    opened,
    python,
    renewals,
    store_fixture,
    user_of,
    variables_fixture,
)
from tests.supabase_auth import AuthServer
from tests.supabase_auth.server import Trouble

__all__ = ["make_store_fixture", "store_fixture", "variables_fixture"]

_RENEWER = f"""{START}
secret, version = sys.argv[1], int(sys.argv[2])
session = store.browsers().find(secret)
print("ready", flush=True)
sys.stdin.readline()
while session._version < version:
    store.browsers().find(secret).identity()
print(store.signed_in(session).call("whoami")["user_id"], flush=True)
"""
"""Renews a session until its tokens have been renewed so often, together with others that do the same."""

_KILLED = f"""{START}
import os, signal
from store.hosted.session_rows import SessionRows
SessionRows.renewed = lambda *answer: os.kill(os.getpid(), signal.SIGKILL)
store.browsers().find(sys.argv[1]).identity()
"""
"""Dies when Auth has answered a renewal, before the answer is stored."""


@pytest.mark.parametrize(
    ("lifetime_s", "times"), [(30, 200), (0, 10)], ids=["good for another call", "good for nothing"]
)
def test_processes_renew_a_session_together(
    store: SupabaseStore,
    new_person: NewPerson,
    auth: AuthServer,
    variables: dict[str, str],
    lifetime_s: int,
    times: int,
) -> None:
    """Two processes that renew one session all the time use each refresh token once, and nobody is signed out."""
    person = new_person()
    auth.token_lifetime_s = lifetime_s
    secret = opened(store, person.email)
    auth.token_lifetime_s = 3_600  # of the orchestrator's own tokens in the processes
    command = [sys.executable, "-c", _RENEWER, secret, str(times + 1)]
    before = renewals(auth)
    with ExitStack() as stack:
        pipe = subprocess.PIPE
        hosts = [
            stack.enter_context(subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, text=True))
            for _ in range(2)
        ]
        for host in hosts:
            stack.callback(host.kill)
        assert [host.stdout.readline() for host in hosts if host.stdout] == ["ready\n"] * 2
        auth.token_lifetime_s = lifetime_s
        for host in hosts:
            assert host.stdin
            host.stdin.write("go\n")
            host.stdin.flush()
        assert [_last_line(host) for host in hosts] == [person.id] * 2
    asked = renewals(auth) - before
    tokens = [token for token in auth.refresh_tokens.values() if auth.sessions[token.session_id].user_id == person.id]
    assert asked == sum(token.used_at is not None for token in tokens) == len(tokens) - 1
    assert asked >= times


def _last_line(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=LIMIT_S)
    return output.strip()


def test_a_renewal_that_died_is_finished_by_the_next(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson, auth: AuthServer,
    project_owner: psycopg.Connection, variables: dict[str, str],
) -> None:  # fmt: skip
    """A process that is killed between Auth's answer and storing it costs nobody the session."""
    person = new_person()
    secret = opened(store, person.email)
    auth.reuse_interval_s = 0
    move(project_owner, "access_ends_at", 30)
    before = renewals(auth)
    assert python(_KILLED, secret, variables=variables).returncode == -signal.SIGKILL
    assert renewals(auth) == before + 1
    assert user_of(store, found(store, secret)) == person.id  # with the old token, as long as it lasts
    assert renewals(auth) == before + 1
    move(project_owner, "renewal_ends_at", 0)
    for host in (store, make_store()):
        assert user_of(host, found(host, secret)) == person.id
    assert renewals(auth) == before + 2
    assert project_owner.execute("select version, renewal_ends_at from private.sessions").fetchall() == [(2, None)]


def test_waiting_for_another_process_ends(
    store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process that renews does not finish, there is one clear error; the next try works when its time is up."""
    person = new_person()
    secret = opened(store, person.email)
    move(project_owner, "access_ends_at", -1)
    move(project_owner, "renewal_ends_at", 20)
    monkeypatch.setattr(browsers, "_WAIT_S", -1.0)
    session = found(store, secret)
    with pytest.raises(Unavailable, match="try again"):
        session.identity()
    move(project_owner, "renewal_ends_at", 0)
    assert user_of(store, session) == person.id


@pytest.mark.parametrize("trouble", ["paused", "bad gateway"])
def test_a_session_outlives_an_outage_of_auth(
    store: SupabaseStore, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection, trouble: Trouble
) -> None:
    """While Auth is away a token is used to its end, then there is one clear error; afterwards all is as before."""
    person = new_person()
    secret = opened(store, person.email)
    move(project_owner, "access_ends_at", 30)
    session = found(store, secret)
    auth.trouble = trouble
    before = renewals(auth)
    assert [user_of(store, session) for _ in range(2)] == [person.id] * 2
    assert renewals(auth) == before + 2
    session.forget(session.identity())  # as if its time was over
    for _ in range(2):
        with pytest.raises(Unavailable, match="Supabase project"):
            store.signed_in(session).call("whoami")
    auth.trouble = None
    assert user_of(store, session) == person.id
    assert user_of(store, found(store, secret)) == person.id


def test_a_rejected_token_is_renewed(
    store: SupabaseStore, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection
) -> None:
    """If the database no longer accepts a token that should still be good, the next call brings a new one."""
    person = new_person()
    secret = opened(store, person.email)
    [(sha256, sealed)] = project_owner.execute("select session_sha256, sealed_tokens from private.sessions").fetchall()
    _, refresh_token = json.loads(store.seal().open(sealed, sha256) or "")
    over = auth.signing.token({"sub": person.id, "role": "authenticated", "aud": "authenticated", "exp": 1_767_225_600})
    resealed = store.seal().close(json.dumps([over, refresh_token]), sha256)
    project_owner.execute("update private.sessions set sealed_tokens = %s", [resealed])
    session = found(store, secret)
    with pytest.raises(NotSignedIn):
        store.signed_in(session).call("whoami")
    assert user_of(store, session) == person.id
