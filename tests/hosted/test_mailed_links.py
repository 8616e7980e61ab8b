"""Links in mails lead to a new password, once and for a limited time."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import httpx2
import psycopg
import pytest
from starlette.testclient import TestClient

from store.caller import COOKIE
from tests.hosted.authenticator import code_of
from tests.hosted.consoles import Console
from tests.hosted.forms import complaint_of, heading, is_let_in, sign_in
from tests.hosted.project import PASSWORD, NewPerson, latest_events
from tests.supabase_auth import AuthServer, User

NEW_PASSWORD = "another good long password"


def tokens_of(link: str) -> dict[str, str]:
    """Follow a link in a mail; returns what its address carries behind the #."""
    parts = urlsplit(httpx.get(link).headers["location"])
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "localhost", "/auth/accept")
    return dict(parse_qsl(parts.fragment))


def posted(browser: TestClient, given: dict[str, str]) -> httpx2.Response:
    """Post what an address carries behind the #, as links.js does."""
    page = browser.get("/auth/accept")
    assert (page.status_code, "/sign-in/links.js" in page.text) == (200, True)
    fields = {"access_token": given["access_token"], "refresh_token": given["refresh_token"], "kind": given["type"]}
    return browser.post("/auth/accept", data=fields)


def mailed_link(browser: TestClient, auth: AuthServer, email: str) -> str:
    """Ask for a new password, and find the link in the mail."""
    assert browser.post("/auth/reset", data={"email": email}).status_code == 200
    assert auth.mails[-1].to == email
    return auth.mails[-1].link


def test_a_new_password_is_chosen_by_mail(
    console: Console, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection
) -> None:
    """The link leads to a form, the form signs in, and from then on only the new password works."""
    person, browser = new_person(), console.browser()
    form = posted(browser, tokens_of(mailed_link(browser, auth, person.email)))
    assert (form.status_code, heading(form)) == (200, "Choose a new password")
    assert not is_let_in(browser)
    saved = browser.post("/auth/accept", data={"password": NEW_PASSWORD})
    assert (saved.status_code, saved.headers["location"]) == (303, "/")
    assert is_let_in(browser)
    assert latest_events(project_owner, "CONSOLE_SIGNED_IN")[0]["details"] == {"method": "reset"}
    assert sign_in(console.browser(), person.email).status_code == 401
    assert sign_in(console.browser(), person.email, NEW_PASSWORD).status_code == 303


def test_asking_for_a_new_password_tells_nothing(console: Console, new_person: NewPerson, auth: AuthServer) -> None:
    """The answer is the same for an account, for none, and for something that is no address; only one gets a mail."""
    person, before = new_person(), len(auth.mails)
    answers = [
        console.browser().post("/auth/reset", data={"email": email})
        for email in (person.email, "nobody@example.com", "no address", "")
    ]
    assert {(answer.status_code, answer.text, tuple(sorted(answer.headers.items()))) for answer in answers} == {
        (200, answers[0].text, tuple(sorted(answers[0].headers.items())))
    }
    assert heading(answers[0]) == "Look into your mail"
    assert [mail.to for mail in auth.mails[before:]] == [person.email]


def test_a_link_does_not_spare_the_second_factor(
    console: Console, authenticator: tuple[User, str], auth: AuthServer
) -> None:
    """Whoever reads somebody's mail cannot choose their password without their authenticator app."""
    person, secret = authenticator
    browser = console.browser()
    asked = posted(browser, tokens_of(mailed_link(browser, auth, person.email)))
    assert heading(asked) == "Confirm with your code"
    refused = browser.post("/auth/accept", data={"password": NEW_PASSWORD})
    assert (refused.status_code, auth.users[person.id].password) == (400, PASSWORD)
    assert heading(browser.post("/sign-in", data={"code": code_of(secret)})) == "Choose a new password"
    assert browser.post("/auth/accept", data={"password": NEW_PASSWORD}).status_code == 303
    assert auth.users[person.id].password == NEW_PASSWORD


def test_an_invitation_leads_to_a_password_and_a_request(
    console: Console, auth: AuthServer, project_owner: psycopg.Connection
) -> None:
    """Whoever is invited chooses a password, is signed in, and waits for a role."""
    email = "invited@example.com"
    link = auth.invite(email, redirect_to="http://localhost/auth/accept")
    browser = console.browser()
    form = posted(browser, tokens_of(link))
    assert (form.status_code, heading(form)) == (200, "Choose a password")
    assert browser.post("/auth/accept", data={"password": NEW_PASSWORD}).status_code == 303
    assert latest_events(project_owner, "CONSOLE_SIGNED_IN")[0]["details"] == {"method": "invitation"}
    assert heading(browser.get("/sign-in")) == "Almost there"
    assert sign_in(console.browser(), email, NEW_PASSWORD).status_code == 303


@pytest.mark.parametrize("reason", ["used", "replaced", "expired"])
def test_a_link_that_is_over_carries_no_tokens(
    console: Console, new_person: NewPerson, auth: AuthServer, reason: str
) -> None:
    """A link works once, until the next one and for a limited time; then its page has nothing to post."""
    person, browser = new_person(), console.browser()
    link = mailed_link(browser, auth, person.email)
    if reason == "used":
        tokens_of(link)
    elif reason == "replaced":
        mailed_link(browser, auth, person.email)
    else:
        auth.link_lifetime_s = -1
    given = tokens_of(link)
    assert "access_token" not in given
    assert given["error_code"] == "otp_expired"


def test_tokens_of_a_link_that_was_withdrawn_are_refused(
    console: Console, new_person: NewPerson, auth: AuthServer
) -> None:
    """Tokens whose session has ended meanwhile lead back to the form, with a sentence about the link."""
    person, browser = new_person(), console.browser()
    given = tokens_of(mailed_link(browser, auth, person.email))
    auth.revoke_all(person.email)
    refused = posted(browser, given)
    assert (refused.status_code, heading(refused)) == (400, "Sign in")
    assert "expired or was used before" in complaint_of(refused)


def test_a_password_form_alone_changes_nothing(console: Console, new_person: NewPerson) -> None:
    """Only the browser that opened the link can choose the password; a session is not enough."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    assert browser.post("/auth/accept", data={"password": NEW_PASSWORD}).status_code == 400
    assert browser.post("/auth/accept", data={}).status_code == 400


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("short", "at least 8 characters"),
        (PASSWORD, "the password that you had before"),
        ("x" * 73, "72"),
        ("ä" * 40, "72"),
    ],
    ids=["too short", "the same", "too long", "too many bytes"],
)
def test_a_password_that_is_not_accepted_is_asked_for_again(
    console: Console, new_person: NewPerson, auth: AuthServer, password: str, sentence: str
) -> None:
    """The form says what is wrong with the password, and the next try may succeed."""
    browser = console.browser()
    posted(browser, tokens_of(mailed_link(browser, auth, new_person().email)))
    refused = browser.post("/auth/accept", data={"password": password})
    assert (refused.status_code, heading(refused)) == (400, "Choose a new password")
    assert sentence in complaint_of(refused)
    assert COOKIE not in browser.cookies
    assert browser.post("/auth/accept", data={"password": NEW_PASSWORD}).status_code == 303


@pytest.mark.usefixtures("look_always")
def test_a_new_password_signs_other_browsers_out(console: Console, new_person: NewPerson, auth: AuthServer) -> None:
    """Whoever knew the old password is out when its owner has chosen a new one, as at Auth itself."""
    person, thief, browser = new_person(), console.browser(), console.browser()
    sign_in(thief, person.email)
    posted(browser, tokens_of(mailed_link(browser, auth, person.email)))
    browser.post("/auth/accept", data={"password": NEW_PASSWORD})
    assert is_let_in(browser)
    assert not is_let_in(thief)
