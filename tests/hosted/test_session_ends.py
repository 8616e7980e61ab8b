"""Sessions end on every host, when Auth says so or when their time is up."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from store import NotSignedIn
from store.hosted import browsers
from store.hosted.supabase import SupabaseStore
from tests.hosted.project import NewPerson
from tests.hosted.session_rig import MakeStore, found, make_store_fixture, move, opened, store_fixture
from tests.supabase_auth import AuthServer

__all__ = ["make_store_fixture", "store_fixture"]


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
