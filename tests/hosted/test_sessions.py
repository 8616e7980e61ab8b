"""A session stays its person's and its installation's, whatever is done to the table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from store.hosted.supabase import SupabaseStore
from tests.hosted.project import NewPerson
from tests.hosted.session_rig import MakeStore, found, make_store_fixture, opened, renewals, store_fixture, user_of
from tests.supabase_auth import AuthServer

__all__ = ["make_store_fixture", "store_fixture"]


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
