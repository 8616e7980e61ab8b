"""Signing out, here or everywhere, ends sessions in the database and at Auth."""

from __future__ import annotations

import psycopg
import pytest

from store.caller import COOKIE
from tests.database.calls import AuditLog
from tests.hosted.consoles import Console
from tests.hosted.forms import heading, is_let_in, sign_in
from tests.hosted.project import NewPerson, latest_events
from tests.supabase_auth import AuthServer


def session_count(owner: psycopg.Connection) -> int:
    """How many sessions there are."""
    row = owner.execute("select count(*)::int from private.sessions").fetchone()
    assert row
    return int(row[0])


@pytest.mark.usefixtures("look_always")
@pytest.mark.parametrize("everywhere", [False, True], ids=["here", "everywhere"])
def test_signing_out_ends_sessions_here_and_at_auth(
    console: Console, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection, everywhere: bool
) -> None:
    """Here ends one session, everywhere ends all of this person; nobody else's, and the cookie is worth nothing."""
    person, someone_else = new_person(), console.browser()
    here, there = console.browser(), console.browser()
    sign_in(someone_else, new_person().email)
    for browser in (here, there):
        sign_in(browser, person.email)
    secret = here.cookies[COOKIE]
    here.post("/sign-out", data={"everywhere": "1"} if everywhere else {})
    here.cookies.set(COOKIE, secret)
    assert [is_let_in(browser) for browser in (here, there, someone_else)] == [False, not everywhere, True]
    assert session_count(project_owner) == (1 if everywhere else 2)
    left = [session for session in auth.sessions.values() if session.user_id == person.id]
    assert len(left) == (0 if everywhere else 1)
    [event] = latest_events(project_owner, "CONSOLE_SIGNED_OUT")
    assert event["user_id"] == event["entity_id"] == person.id
    assert event["details"] == {"cause": "signed_out", "sessions": 2 if everywhere else 1}


def test_whoever_signs_out_is_back_at_the_form(console: Console, new_person: NewPerson) -> None:
    """Signing out leads to the form, and takes both cookies back."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    signed_out = browser.post("/sign-out", data={})
    assert (signed_out.status_code, signed_out.headers["location"]) == (303, "/sign-in")
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize("left_s", [30, -30], ids=["about to end", "ended"])
def test_signing_out_ends_a_session_whose_token_ends(
    console: Console, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection, left_s: int
) -> None:
    """A browser that was left open for an hour signs out as any other."""
    person, browser = new_person(), console.browser()
    sign_in(browser, person.email)
    move = "update private.sessions set access_ends_at = now() + %s * interval '1 second'"
    project_owner.execute(move, [left_s])
    browser.post("/sign-out", data={"everywhere": "1"})
    assert [session for session in auth.sessions.values() if session.user_id == person.id] == []


def test_signing_out_of_a_session_that_auth_has_ended(
    console: Console, new_person: NewPerson, auth: AuthServer
) -> None:
    """Whoever was signed out at Auth already can sign out here all the same."""
    person, browser = new_person(), console.browser()
    sign_in(browser, person.email)
    auth.revoke_all(person.email)
    assert browser.post("/sign-out", data={}).status_code == 303
    assert COOKIE not in browser.cookies


def test_only_a_press_of_the_button_signs_out(console: Console, new_person: NewPerson) -> None:
    """The address of the page can be opened, linked and preloaded without consequences."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    question = browser.get("/sign-out?everywhere=1")
    assert (question.status_code, heading(question)) == (200, "Sign out")
    assert is_let_in(browser)


@pytest.mark.usefixtures("look_always")
def test_looking_at_the_head_of_the_question_signs_nobody_out(console: Console, new_person: NewPerson) -> None:
    """HEAD is as harmless as GET."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    browser.head("/sign-out")
    assert is_let_in(browser)


def test_whoever_is_not_signed_in_may_sign_out(console: Console, audit_log: AuditLog) -> None:
    """The button does no harm twice, nor with a cookie that is nobody's."""
    browser = console.browser()
    for secret in (None, "made up"):
        if secret:
            browser.cookies.set(COOKIE, secret)
        signed_out = browser.post("/sign-out", data={})
        assert (signed_out.status_code, signed_out.headers["location"]) == (303, "/sign-in")
    assert audit_log.changes() == []
