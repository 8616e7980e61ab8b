"""Whoever guesses passwords has to wait, by address and by account, whichever host they ask."""

from __future__ import annotations

import psycopg
from starlette.testclient import TestClient

from store.caller import COOKIE
from tests.hosted.consoles import Console, MakeConsole
from tests.hosted.forms import complaint_of, is_let_in, sign_in
from tests.hosted.project import NewPerson
from tests.supabase_auth import AuthServer


def refuse(browser: TestClient, email: str, times: int) -> list[int]:
    """The statuses of so many sign-ins with a wrong password."""
    return [sign_in(browser, email, "a wrong password").status_code for _ in range(times)]


def test_too_many_refusals_must_wait(
    console: Console, new_person: NewPerson, project_owner: psycopg.Connection, auth: AuthServer
) -> None:
    """Eleven refusals are answered; then the address and the account wait, and Auth is not even asked."""
    person, browser = new_person(), console.browser()
    assert refuse(browser, person.email, 11) == [401] * 11
    project_owner.execute("update private.sign_in_attempts set attempts = attempts + 9, latest_at = now()")
    before = auth.calls["token/password"]
    blocked = sign_in(browser, person.email)
    assert blocked.status_code == 429
    assert 0 < int(blocked.headers["retry-after"]) <= 900
    assert complaint_of(blocked).startswith("Too many attempts. Wait ")
    assert COOKIE not in browser.cookies
    assert auth.calls["token/password"] == before


def test_ten_refusals_cost_nothing(console: Console, new_person: NewPerson) -> None:
    """People mistype; the right password is taken at once."""
    person, browser = new_person(), console.browser()
    assert refuse(browser, person.email, 10) == [401] * 10
    assert sign_in(browser, person.email).status_code == 303


def test_an_account_waits_a_minute_at_most(
    console: Console, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """However often others guess, the owner of an account waits a minute elsewhere, and then gets in."""
    person, guesser, owner = new_person(), console.browser("198.51.100.7"), console.browser("203.0.113.9")
    refuse(guesser, person.email, 1)
    project_owner.execute("update private.sign_in_attempts set attempts = 1000000, latest_at = now()")
    waits = [int(sign_in(browser, person.email).headers["retry-after"]) for browser in (guesser, owner)]
    assert waits[0] > 800
    assert 0 < waits[1] <= 60
    project_owner.execute("update private.sign_in_attempts set latest_at = now() - interval '61 seconds'")
    assert sign_in(guesser, person.email).status_code == 429
    assert sign_in(owner, person.email).status_code == 303
    assert is_let_in(owner)


def test_the_account_is_the_same_however_it_is_written(
    console: Console, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """Capitals and spaces around the address are no way past the wait."""
    person = new_person()
    refuse(console.browser("198.51.100.7"), person.email, 1)
    project_owner.execute("update private.sign_in_attempts set attempts = 30, latest_at = now()")
    assert sign_in(console.browser("203.0.113.9"), f" {person.email.upper()} ").status_code == 429


def test_another_host_counts_along(
    make_console: MakeConsole, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """The count is the project's, so a second host is no second chance."""
    one_host, other_host, person = make_console(), make_console(), new_person()
    refuse(one_host.browser(), person.email, 1)
    project_owner.execute("update private.sign_in_attempts set attempts = 30, latest_at = now()")
    assert sign_in(other_host.browser(), person.email).status_code == 429
