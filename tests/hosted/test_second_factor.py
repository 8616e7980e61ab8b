"""After a password comes the code of an authenticator app, and without it there is no session."""

from __future__ import annotations

import httpx2
import psycopg
import pytest

from store.caller import COOKIE
from tests.database.calls import AuditLog
from tests.hosted.authenticator import code_of, wrong_code_of
from tests.hosted.consoles import Console
from tests.hosted.forms import UNFINISHED, complaint_of, heading, is_let_in, sign_in
from tests.supabase_auth import User


def test_the_right_code_signs_in(console: Console, authenticator: tuple[User, str]) -> None:
    """After the password comes the code, with or without the space that apps show; then the page asked for."""
    person, secret = authenticator
    browser = console.browser()
    asked = sign_in(browser, person.email, next="/cost?period=7")
    assert (asked.status_code, heading(asked)) == (200, "Confirm with your code")
    code = code_of(secret)
    confirmed = browser.post("/sign-in", data={"code": f"{code[:3]} {code[3:]}"})
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, "/cost?period=7")
    assert is_let_in(browser)
    assert UNFINISHED not in browser.cookies


def test_a_password_without_its_code_is_no_session(
    console: Console, authenticator: tuple[User, str], project_owner: psycopg.Connection, audit_log: AuditLog
) -> None:
    """Until the code is right there is no session, neither in the cookies nor in the database, and no event of one."""
    person, _ = authenticator
    browser = console.browser()
    sign_in(browser, person.email)
    assert COOKIE not in browser.cookies
    assert not is_let_in(browser)
    assert project_owner.execute("select count(*) from private.sessions").fetchone() == (0,)
    assert audit_log.changes() == []


def test_a_wrong_code_is_refused_and_may_be_corrected(
    console: Console, authenticator: tuple[User, str], audit_log: AuditLog
) -> None:
    """A wrong or empty code changes nothing but the count of refusals."""
    person, secret = authenticator
    browser = console.browser()
    sign_in(browser, person.email)
    for code in (wrong_code_of(secret), ""):
        refused = browser.post("/sign-in", data={"code": code})
        assert (refused.status_code, heading(refused)) == (401, "Confirm with your code")
        assert "code is not right" in complaint_of(refused)
        assert COOKIE not in browser.cookies
    assert audit_log.changes() == ["CONSOLE_SIGN_IN_REFUSED"] * 2
    assert browser.post("/sign-in", data={"code": code_of(secret)}).status_code == 303
    assert is_let_in(browser)


def test_a_code_needs_the_browser_that_knows_the_password(console: Console, authenticator: tuple[User, str]) -> None:
    """A right code alone, or after somebody else's password, is worth nothing."""
    person, secret = authenticator
    sign_in(console.browser(), person.email)
    answer = console.browser().post("/sign-in", data={"code": code_of(secret)})
    assert answer.status_code == 400
    assert "another browser" in complaint_of(answer)


@pytest.fixture(name="blocked")
def blocked_fixture(
    console: Console, authenticator: tuple[User, str], project_owner: psycopg.Connection
) -> httpx2.Response:
    """The answer to the right code after many wrong ones."""
    person, secret = authenticator
    browser = console.browser()
    sign_in(browser, person.email)
    browser.post("/sign-in", data={"code": wrong_code_of(secret)})
    project_owner.execute("update private.sign_in_attempts set attempts = 30, latest_at = now()")
    return browser.post("/sign-in", data={"code": code_of(secret)})


def test_codes_cannot_be_guessed(blocked: httpx2.Response) -> None:
    """After many wrong codes even the right one has to wait."""
    assert (blocked.status_code, heading(blocked)) == (429, "Confirm with your code")
    assert complaint_of(blocked).startswith("Too many attempts. Wait ")
    assert "console_session" not in blocked.headers.get("set-cookie", "")


def test_the_wait_for_a_code_is_told_to_programs_too(blocked: httpx2.Response) -> None:
    """As with passwords, the header says how long to wait."""
    assert int(blocked.headers["retry-after"]) > 0
