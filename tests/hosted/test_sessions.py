"""Sessions of browsers: whose they are, how they are renewed by several processes at once, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import httpx
import psycopg
import pytest
from psycopg import sql

from store import NotPermitted, NotSignedIn, StoreSettings, Unavailable, clock
from store.caller import who_is
from store.environment import PROJECT
from store.hosted import browsers
from store.hosted.browsers import BrowserSession
from store.hosted.supabase import SupabaseStore
from store.identity import PasswordLogin
from tests.hosted.conftest import NewPerson
from tests.hosted.project import PASSWORD, HostedProject
from tests.supabase_auth import AuthServer, User, totp
from tests.supabase_auth.server import Trouble

LIMIT_S = 60
NOBODYS = {"ip_address": None, "user_agent": None}

_START = """
import sys
from store import StoreSettings, connect, read_environment
store = connect(StoreSettings.from_environment(read_environment()))
"""
_RENEWER = f"""{_START}
secret, version = sys.argv[1], int(sys.argv[2])
session = store.browsers().find(secret)
print("ready", flush=True)
sys.stdin.readline()
while session._version < version:
    store.browsers().find(secret).identity()
print(store.signed_in(session).call("whoami")["user_id"], flush=True)
"""
"""Renews a session until its tokens have been renewed so often, together with others that do the same."""

_KILLED = f"""{_START}
import os, signal
from store.hosted.browsers import BrowserSessions
BrowserSessions.renewed = lambda *answer: os.kill(os.getpid(), signal.SIGKILL)
store.browsers().find(sys.argv[1]).identity()
"""
"""Dies when Auth has answered a renewal, before the answer is stored."""

_HOST_WITH_WRONG_CLOCK = f"""
import sys, time
from datetime import timedelta
wrong, right_time = float(sys.argv[1]), time.time
time.time = lambda: right_time() + wrong
from store import clock
clock.use(lambda: clock.system() + timedelta(seconds=wrong))
{_START}
from store.identity import PasswordLogin
flow, *given = sys.argv[2:]
if flow == "link":
    tokens = store.auth.renew(given[1])
    store.auth.set_password(tokens, "a password chosen on this host")
else:
    tokens = store.auth.sign_in(PasswordLogin(*given[:2]))
if flow == "second factor":
    tokens = store.auth.verify_second_factor(tokens, given[2])
secret = store.browsers().open(tokens, "password", dict(ip_address=None, user_agent=None))
print(secret, store.signed_in(store.browsers().find(secret)).call("whoami")["user_id"])
"""
"""Signs somebody in on a host whose clock is wrong by so many seconds; prints the secret and who it is."""


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


@pytest.fixture(name="look_always")
def look_always_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every use looks whether the session is still there, not only one in fifteen seconds."""
    monkeypatch.setattr(browsers, "_TRUSTED_S", -1.0)


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


# Whose they are


@pytest.mark.parametrize("calls", [600, pytest.param(3_000, marks=pytest.mark.long)])
def test_sessions_never_cross_identities(
    store: SupabaseStore, new_person: NewPerson, auth: AuthServer, calls: int
) -> None:
    """Sixteen sessions of four people, used by sixteen threads and renewed all the while, each stay their person's."""
    people = [new_person().id for _ in range(4)]
    emails = [auth.users[person].email for person in people]
    sessions = [found(store, opened(store, email)) for email in emails for _ in range(4)]
    before = renewals(auth)

    def ask(number: int) -> str:
        session = sessions[number * 7 % 16]
        if number % 50 == 0:
            session.forget(session.identity())
        return user_of(store, session)

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(ask, range(calls)))
    assert answers == [people[number * 7 % 16 // 4] for number in range(calls)]
    assert [session.user_id for session in sessions] == [person for person in people for _ in range(4)]
    assert 0 < renewals(auth) - before <= calls // 50


def test_a_session_belongs_to_one_installation(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson
) -> None:
    """With another cookie secret a session is nobody's; where it was opened it goes on."""
    person = new_person()
    secret = opened(store, person.email)
    elsewhere = make_store(ORCHESTRATOR_COOKIE_SECRET="the secret of some other installation")
    assert elsewhere.browsers().find(secret) is None
    assert user_of(store, found(make_store(), secret)) == person.id


def test_tokens_open_in_their_own_row_only(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """Whoever can write the table, but has no secret, cannot give one session the tokens of another."""
    secrets = [opened(store, new_person("admin").email), opened(store, new_person().email)]
    project_owner.execute(
        """
        update private.sessions as one set sealed_tokens = other.sealed_tokens, user_id = other.user_id
        from private.sessions as other where other.session_sha256 <> one.session_sha256
        """
    )
    assert [make_store().browsers().find(secret) for secret in secrets] == [None, None]


@pytest.mark.parametrize(
    "change", ["left(sealed_tokens, -4)", "'A' || substr(sealed_tokens, 2) || 'A'", "''", "'{}'", "repeat('é', 50)"]
)
def test_changed_tokens_open_nowhere(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection, change: str
) -> None:
    """What was changed in the table is no session, and no error."""
    secret = opened(store, new_person().email)
    project_owner.execute(f"update private.sessions set sealed_tokens = {change}".encode())  # noqa: S608 - from above
    assert make_store().browsers().find(secret) is None


def test_the_database_alone_gives_no_access(
    store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection, auth: AuthServer
) -> None:
    """Neither the cookie's secret nor a token can be read from the table."""
    person = new_person()
    secret = opened(store, person.email)
    access_token = found(store, secret).identity().access_token
    assert access_token
    [session] = [session for session in auth.sessions.values() if session.user_id == person.id]
    [(row,)] = project_owner.execute("select to_jsonb(s)::text from private.sessions as s").fetchall()
    for private in (secret, access_token, access_token.rpartition(".")[2], session.refresh_token):
        assert private not in row


@pytest.mark.parametrize("secret", ["", "made up", "x" * 100_000, "\ud800", "é\0"], ids=range(5))
def test_a_secret_that_was_never_given_is_nobodys(store: SupabaseStore, secret: str) -> None:
    """Whatever a cookie holds, it is no error."""
    assert store.browsers().find(secret) is None


# Renewing


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


# Ending


@pytest.mark.parametrize("reason", ["revoked", "banned", "deleted"])
def test_a_session_that_auth_has_ended_is_over(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson, auth: AuthServer,
    project_owner: psycopg.Connection, reason: str,
) -> None:  # fmt: skip
    """When it is to be renewed, Auth says so; then it is over on every host, with an event."""
    person = new_person()
    secret = opened(store, person.email)
    move(project_owner, "access_ends_at", 30)
    session = found(store, secret)
    if reason == "revoked":
        auth.revoke_all(person.email)
    elif reason == "banned":
        auth.ban(person.email, datetime(2100, 1, 1, tzinfo=UTC))
    else:
        auth.delete_user(person.email)
    with pytest.raises(NotSignedIn, match="sign in again"):
        session.identity()
    assert store.browsers().find(secret) is None
    assert make_store().browsers().find(secret) is None
    told = "select details ->> 'cause' from public.audit_logs where action = 'CONSOLE_SIGNED_OUT' and user_id = %s"
    assert project_owner.execute(told, [person.id]).fetchall() == [("expired",)]


@pytest.mark.parametrize("reason", ["banned", "deleted"])
def test_whoever_is_banned_is_out_at_once(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson, auth: AuthServer, reason: str
) -> None:
    """A ban does not wait until the access token ends."""
    person = new_person()
    secret = opened(store, person.email)
    if reason == "banned":
        auth.ban(person.email, datetime(2100, 1, 1, tzinfo=UTC))
    else:
        auth.delete_user(person.email)
    assert make_store().browsers().find(secret) is None


@pytest.mark.parametrize(
    ("column", "last_good_s", "over_s"),
    [("last_seen_at", 60 - browsers.IDLE_S, -browsers.IDLE_S), ("ends_at", 60, 0)],
    ids=["unused for twelve hours", "a week old"],
)
def test_sessions_end_by_the_databases_clock(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection,
    column: str, last_good_s: int, over_s: int,
) -> None:  # fmt: skip
    """A session ends when it was not used for long, and after a week however much it is used; nothing is left of it."""
    secret = opened(store, new_person().email)
    move(project_owner, column, last_good_s)
    assert make_store().browsers().find(secret)
    move(project_owner, column, over_s)
    assert make_store().browsers().find(secret) is None
    assert project_owner.execute("select count(*) from private.sessions").fetchone() == (0,)


def test_a_session_in_use_stays(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """Each use begins the twelve hours anew, and does not move the end of the week."""
    secret = opened(store, new_person().email)
    [(end,)] = project_owner.execute("select ends_at from private.sessions").fetchall()
    move(project_owner, "last_seen_at", 60 - browsers.IDLE_S)
    assert make_store().browsers().find(secret)
    query = "select ends_at, last_seen_at > now() - interval '1 minute' from private.sessions"
    assert project_owner.execute(query).fetchall() == [(end, True)]


@pytest.mark.usefixtures("look_always")
def test_sessions_that_ended_are_forgotten_by_the_process(
    store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """A session that a process knows ends for it too."""
    secret = opened(store, new_person().email)
    assert store.browsers().find(secret)
    move(project_owner, "ends_at", 0)
    assert store.browsers().find(secret) is None


# Roles


@pytest.mark.usefixtures("look_always")
def test_a_change_of_role_reaches_the_session(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson
) -> None:
    """An admin's change counts for people who are signed in, on every host, without signing in again."""
    person, other_host = new_person("engineer"), make_store()
    admin = store.signed_in(found(store, opened(store, new_person("admin").email)))
    secret = opened(store, person.email)
    for role in ("engineer", "pm", "admin", None, "engineer"):
        admin.call("set_role", p_person=person.id, p_role=role)
        assert [found(host, secret).role for host in (store, other_host)] == [role, role]
        assert who_is(store.signed_in(found(store, secret))).role == role


@pytest.mark.usefixtures("look_always")
def test_whoever_lost_their_role_can_do_nothing_more(
    store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """The database decides at each call, even while the session and its token are still good."""
    person = new_person("admin")
    database = store.signed_in(found(store, opened(store, person.email)))
    database.call("check_permission", p_permission="manage_people")
    project_owner.execute("delete from public.console_roles where user_id = %s", [person.id])
    with pytest.raises(NotPermitted):
        database.call("check_permission", p_permission="manage_people")


# Clocks


def arguments_of(flow: str, person: User, auth: AuthServer) -> list[str]:
    """What a host is given to sign this person in."""
    if flow == "link":
        link = auth.send_link(auth.url or "", person, "recovery", "http://localhost/auth/accept")
        given = dict(parse_qsl(urlsplit(httpx.get(link).headers["location"]).fragment))
        return [given["access_token"], given["refresh_token"]]
    if flow == "password":
        return [person.email, PASSWORD]
    return [person.email, PASSWORD, totp(auth.enroll_totp(person.email), clock.now())]


@pytest.mark.parametrize("flow", ["password", "second factor", "link"])
@pytest.mark.parametrize("wrong_s", [3_600, -3_600], ids=["an hour ahead", "an hour behind"])
def test_a_hosts_wrong_clock_changes_nothing(
    store: SupabaseStore, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection,
    variables: dict[str, str], flow: str, wrong_s: int,
) -> None:  # fmt: skip
    """A session that such a host opened is good for as long as any other, there and elsewhere, and can be renewed."""
    person = new_person()
    auth.reuse_interval_s = 0
    given = arguments_of(flow, person, auth)
    run = python(_HOST_WITH_WRONG_CLOCK, str(wrong_s), flow, *given, variables=variables)
    assert (run.returncode, run.stderr) == (0, "")
    secret, user_id = run.stdout.split()
    assert user_id == person.id
    left = "select round(extract(epoch from access_ends_at - now()) / 600)::int from private.sessions"
    assert project_owner.execute(left).fetchall() == [(6,)]
    move(project_owner, "access_ends_at", 0)
    assert user_of(store, found(store, secret)) == person.id
