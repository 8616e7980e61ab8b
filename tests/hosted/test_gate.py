"""Without a session of somebody who has a role, nothing behind the gate is reached."""

from __future__ import annotations

import secrets

import psycopg
import pytest

from store.hashed import sha256_of
from store.hosted.supabase import SupabaseStore
from store.identity import PasswordLogin
from tests.database.gateway import API_KEY
from tests.hosted.house import FILES, PAGES, House, check_turned_away
from tests.hosted.project import MACHINE, PASSWORD, NewPerson

_MOST_COOKIE_CHARS = 60_000


@pytest.mark.parametrize("role", ["admin", "pm", "engineer"])
def test_people_with_a_role_are_let_in(house: House, new_person: NewPerson, role: str) -> None:
    """Otherwise the tests below would mean nothing."""
    secret = house.open_session(new_person(role).email)
    for path in (*PAGES, *FILES):
        assert house.ask(path, secret).body == b"inside"
    assert house.knock(secret=secret)
    assert house.ask("/api/settings", secret).status == 200


MADE_UP: dict[str, str | None] = {
    "no cookie": None,
    "an empty one": "",
    "a word": "admin",
    "a random one": secrets.token_urlsafe(32),
    "quoted": '"; drop table sessions; --"',
    "a very long one": "a" * _MOST_COOKIE_CHARS,
    "letters that are none": "\xff\xfe",
}


@pytest.mark.parametrize("cookie", MADE_UP)
def test_a_made_up_cookie_is_turned_away(house: House, cookie: str) -> None:
    """From every page, file, WebSocket and route."""
    check_turned_away(house, MADE_UP[cookie])


def test_what_the_database_holds_is_no_cookie(
    house: House, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """Whoever reads the table of sessions gets nowhere with it."""
    secret = house.open_session(new_person("admin").email)
    query = "select session_sha256, sealed_tokens, user_id::text from private.sessions"
    ((sha256, sealed, user_id),) = project_owner.execute(query).fetchall()
    assert sha256 == sha256_of(secret)
    for stolen in (sha256, sealed, user_id):
        check_turned_away(house, stolen)
    assert house.ask("/", secret).status == 200


def test_an_access_token_is_no_cookie(house: House, new_person: NewPerson) -> None:
    """A token of the project opens the API as a bearer's, not the screen."""
    tokens = house.site.store().auth.sign_in(PasswordLogin(new_person("admin").email, PASSWORD))
    check_turned_away(house, tokens.access_token)


def test_a_cookie_of_another_installation_is_turned_away(house: House, new_person: NewPerson) -> None:
    """Even one of the same project: its tokens were sealed with another secret."""
    login = PasswordLogin(MACHINE, PASSWORD)
    other = SupabaseStore(house.project.url, API_KEY, machine=login, cookie_secret="the secret of another installation")
    try:
        tokens = other.auth.sign_in(PasswordLogin(new_person("admin").email, PASSWORD))
        secret = other.browsers().open(tokens, "password", {})
        assert other.browsers().find(secret) is not None
    finally:
        other.close()
    check_turned_away(house, secret)


def test_somebody_without_a_role_is_turned_away(house: House, new_person: NewPerson) -> None:
    """They are signed in, but an admin has not let them in yet."""
    check_turned_away(house, house.open_session(new_person(None).email), api_status=403)


def test_the_orchestrators_own_user_has_no_screen(house: House) -> None:
    """Its role is for recording."""
    secret = house.open_session(MACHINE)
    house.inside.entered.clear()
    assert house.ask("/", secret).status == 303
    assert house.ask("/media/report.csv", secret).status == 403
    assert not house.knock(secret=secret)
    assert house.inside.entered == []
