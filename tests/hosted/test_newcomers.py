"""Newcomers wait for a role, and see nothing until they have it."""

from __future__ import annotations

import psycopg
import pytest

from store.caller import COOKIE
from tests.hosted.consoles import Console, MakeConsole
from tests.hosted.forms import heading, hidden, sign_in
from tests.hosted.project import NewPerson
from tests.hosted.provider_pages import back_from, to_provider
from tests.supabase_auth import AuthServer


@pytest.mark.usefixtures("look_always")
def test_whoever_has_no_role_waits_for_one(
    with_providers: Console, auth: AuthServer, project_owner: psycopg.Connection
) -> None:
    """A provider may bring somebody new: they have asked for a role, and see nothing until they have it."""
    newcomer = "newcomer@example.com"
    auth.add_provider("google", newcomer)
    browser = with_providers.browser()
    assert browser.get(back_from(to_provider(browser))).status_code == 303
    assert browser.get("/").status_code == 303
    waiting = browser.get("/sign-in", params={"next": "/cost"})
    assert (waiting.status_code, heading(waiting)) == (403, "Almost there")
    assert newcomer in waiting.text
    user = auth.user_with(newcomer)
    assert user
    requests = project_owner.execute("select count(*) from public.access_requests where user_id = %s", [user.id])
    assert requests.fetchone() == (1,)
    project_owner.execute("insert into public.console_roles (user_id, role) values (%s, 'pm')", [user.id])
    admitted = browser.get("/sign-in", params={"next": hidden(waiting, "next")})
    assert (admitted.status_code, admitted.headers["location"]) == (303, "/cost")


@pytest.mark.usefixtures("look_always")
def test_whoever_waits_too_long_signs_in_again(
    make_console: MakeConsole, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection
) -> None:
    """If Auth ends the session of somebody who waits for a role, they get the form."""
    person, browser = new_person(role=None), make_console().browser()
    sign_in(browser, person.email)
    assert heading(browser.get("/sign-in")) == "Almost there"
    auth.revoke_all(person.email)
    project_owner.execute("update private.sessions set access_ends_at = now()")
    tab = make_console().browser()
    tab.cookies.set(COOKIE, browser.cookies[COOKIE])
    answer = tab.get("/sign-in")
    assert (answer.status_code, heading(answer)) == (200, "Sign in")
