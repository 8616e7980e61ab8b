"""Providers, and a company's single sign-on, sign people in without learning anything."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest

from store.caller import COOKIE
from tests.hosted.authenticator import code_of
from tests.hosted.consoles import Console
from tests.hosted.forms import UNFINISHED, complaint_of, heading, is_let_in
from tests.hosted.project import NewPerson, latest_events
from tests.hosted.provider_pages import back_from, to_provider
from tests.supabase_auth import AuthServer, User


@pytest.mark.parametrize("provider", ["google", "company.example"])
def test_a_provider_signs_people_in(
    with_providers: Console, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection, provider: str
) -> None:
    """The way to the provider and back ends at the page that was asked for, and the audit event says how."""
    person = new_person()
    auth.add_provider("google", person.email)
    auth.add_sso("company.example", "employee@company.example")
    browser = with_providers.browser()
    form = browser.get("/sign-in")
    assert "Continue with Google" in form.text
    assert "Continue with company.example" in form.text
    signed_in = browser.get(back_from(to_provider(browser, provider, next="/cost?period=7")))
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/cost?period=7")
    [event] = latest_events(project_owner, "CONSOLE_SIGNED_IN")
    assert event["details"] == {"method": "provider"}
    assert (event["user_id"] == person.id) == is_let_in(browser) == (provider == "google")


def test_the_code_of_a_provider_cannot_be_read_by_it(
    with_providers: Console, new_person: NewPerson, auth: AuthServer
) -> None:
    """The address of the provider's page holds a challenge and no secret; the answer holds a code and no token."""
    auth.add_provider("google", new_person().email)
    browser = with_providers.browser()
    address = to_provider(browser)
    query = dict(parse_qsl(urlsplit(address).query))
    assert query["code_challenge_method"] == "s256"
    assert query["redirect_to"] == "http://localhost/auth/callback"
    assert dict(parse_qsl(urlsplit(back_from(address)).query)).keys() == {"code"}


def test_whoever_cancels_at_the_provider_is_back_at_the_form(
    with_providers: Console, new_person: NewPerson, auth: AuthServer
) -> None:
    """A change of mind is no error of the console's."""
    auth.add_provider("google", new_person().email)
    browser = with_providers.browser()
    answer = browser.get(back_from(to_provider(browser), cancel=True))
    assert (answer.status_code, heading(answer)) == (400, "Sign in")
    assert complaint_of(answer) == "Signing in was cancelled."
    assert COOKIE not in browser.cookies


def test_a_callback_works_once_and_only_in_its_own_browser(
    with_providers: Console, new_person: NewPerson, auth: AuthServer
) -> None:
    """An address with a code that somebody else gets hold of signs nobody in."""
    auth.add_provider("google", new_person().email)
    browser, stranger, other = (with_providers.browser() for _ in range(3))
    back = back_from(to_provider(browser))
    to_provider(other)
    for thief in (stranger, other):
        refused = thief.get(back)
        assert refused.status_code == 400
        assert "another browser" in complaint_of(refused)
        assert COOKIE not in thief.cookies
    assert browser.get(back).status_code == 303
    again = browser.get(back)
    assert again.status_code == 400
    assert "another browser" in complaint_of(again)


@pytest.mark.parametrize("replayed", [True, False], ids=["replayed", "made up"])
def test_a_code_that_auth_does_not_know_starts_again(
    with_providers: Console, new_person: NewPerson, auth: AuthServer, replayed: bool
) -> None:
    """A code that was used or never existed is the browser's problem, not an outage of the project."""
    auth.add_provider("google", new_person().email)
    browser = with_providers.browser()
    back = back_from(to_provider(browser)) if replayed else "/auth/callback?code=made-up"
    if replayed:
        sealed = browser.cookies[UNFINISHED]
        browser.get(back)
        browser.cookies.set(UNFINISHED, sealed)
    else:
        to_provider(browser)
    answer = browser.get(back)
    assert answer.status_code == 400
    assert "another browser" in complaint_of(answer)


@pytest.mark.parametrize("provider", ["github", "google.com", "../token", "GOOGLE", "google,company.example"])
def test_only_listed_providers_are_asked(with_providers: Console, auth: AuthServer, provider: str) -> None:
    """A provider that the console does not offer is refused before Auth hears of it."""
    before = sum(auth.calls.values())
    answer = with_providers.browser().post("/sign-in", data={"provider": provider})
    assert answer.status_code == 400
    assert complaint_of(answer) == "This console does not offer that way to sign in."
    assert sum(auth.calls.values()) == before


def test_a_provider_may_need_a_second_factor_too(
    with_providers: Console, authenticator: tuple[User, str], auth: AuthServer
) -> None:
    """Coming from a provider does not spare anybody the code."""
    person, secret = authenticator
    auth.add_provider("google", person.email)
    browser = with_providers.browser()
    asked = browser.get(back_from(to_provider(browser, next="/cost")))
    assert (asked.status_code, heading(asked)) == (200, "Confirm with your code")
    assert not is_let_in(browser)
    confirmed = browser.post("/sign-in", data={"code": code_of(secret)})
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, "/cost")
