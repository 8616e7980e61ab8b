"""A team's console: people sign in, see what their role may do, and are out when it is withdrawn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pages.parts.frame.menu import PAGES
from store import clock
from store.embedded.cluster import Cluster
from tests.browser.served import settled
from tests.browser.team import TeamConsole, fill_in, sign_in, team_console
from tests.browser.test_every_page import ALL_RULES, CONTRAST, serious
from tests.database import postgrest
from tests.hosted.project import ADMIN, ENGINEER, PM, STRANGER
from tests.supabase_auth import totp

NewContext = Callable[[int, str], BrowserContext]

_SCREENS = [(1440, "light"), (390, "dark")]
_OFFERED = {
    ADMIN: {entry.title for entry in PAGES},
    PM: {entry.title for entry in PAGES} - {"Playground", "People"},
    ENGINEER: {entry.title for entry in PAGES} - {"Audit log", "People"},
}


@pytest.fixture(name="team", scope="module")
def team_fixture(server: Cluster) -> Iterator[TeamConsole]:
    """A console on a hosted project, shared by these tests."""
    if postgrest.find_postgrest() is None:
        reason = f"PostgREST is not there; run: {postgrest.INSTALL}"
        if os.environ.get("REQUIRE_SUPABASE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with team_console(server) as console:
        yield console


@pytest.mark.parametrize(("width", "scheme"), _SCREENS)
def test_signing_in_and_out(team: TeamConsole, new_context: NewContext, width: int, scheme: str) -> None:
    """By keyboard alone: to the page that was asked for, query included; a reload and a new tab stay in; then out."""
    context = new_context(width, scheme)
    page = context.new_page()
    page.goto(f"{team.address}/cost?period=7d")
    expect(page).to_have_title("Sign in · Orchestrator Console")
    fill_in(page, ENGINEER, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("is not right")
    page.keyboard.type("a good long password")  # the password has the focus, the address is still there
    page.keyboard.press("Enter")
    settled(page)
    assert page.url == f"{team.address}/cost?period=7d"
    page.reload()
    settled(page)
    tab = context.new_page()
    tab.goto(f"{team.address}/latency")
    settled(tab)

    page.goto(f"{team.address}/sign-out")
    expect(page.get_by_role("button", name="Sign out here")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail address")).to_be_visible()
    tab.reload()
    expect(tab.get_by_label("E-mail address")).to_be_visible()


@pytest.mark.parametrize("email", _OFFERED)
def test_each_role_is_offered_what_it_may(team: TeamConsole, new_context: NewContext, email: str) -> None:
    """Pages that are not for the role are not in the menu, and say so at their address."""
    page = new_context(1440, "light").new_page()
    sign_in(page, team, email)
    menu = page.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(menu).to_have_count(len(_OFFERED[email]))
    for entry in PAGES:
        if entry.title not in _OFFERED[email]:
            page.goto(f"{team.address}/{entry.address}")
            expect(page.get_by_text("ask an admin for it")).to_be_visible(timeout=30_000)


@pytest.mark.long
@pytest.mark.parametrize(("width", "scheme"), _SCREENS)
@pytest.mark.parametrize("email", _OFFERED)
def test_each_page_as_each_role(
    team: TeamConsole, new_context: NewContext, email: str, width: int, scheme: str
) -> None:
    """At its own address, in both widths and themes: what is offered opens, everything else says why not."""
    page = new_context(width, scheme).new_page()
    sign_in(page, team, email)
    for entry in PAGES:
        page.goto(f"{team.address}/{entry.address}")
        expect(page.get_by_role("heading", name=entry.title, level=1)).to_be_visible(timeout=30_000)
        settled(page)
        refusal = page.get_by_text("ask an admin for it")
        expect(refusal).to_have_count(0 if entry.title in _OFFERED[email] else 1)
        assert page.get_by_text("Something went wrong").count() == 0, entry.title


def test_the_sign_in_pages_are_for_everybody(team: TeamConsole, new_context: NewContext) -> None:
    """No serious barrier in either theme, nothing wider than a phone, and no request to anybody else."""
    page = new_context(390, "light").new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    for path in ("/sign-in", "/auth/reset", "/auth/accept", "/sign-out"):
        for theme, rules in (("light", ALL_RULES), ("dark", CONTRAST)):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of the two
            page.goto(f"{team.address}{path}")
            assert serious(page, rules) == [], (path, theme)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    assert all(url.startswith(team.address) for url in requested)


def test_asking_for_a_role_and_losing_it(team: TeamConsole, new_context: NewContext) -> None:
    """Signing in asks, one press of an admin gives, and another takes: the open page then shows nothing more."""
    person = new_context(390, "dark").new_page()
    person.goto(f"{team.address}/")
    fill_in(person, STRANGER)
    expect(person.get_by_text("you have no role in this console yet")).to_be_visible()
    admin = new_context(1440, "light").new_page()
    sign_in(admin, team, ADMIN, "/people")
    admin.get_by_role("button", name="Make engineer").click()
    expect(admin.get_by_text(f"{STRANGER} is now Engineer.")).to_be_visible()

    person.get_by_role("button", name="Check again").click()
    settled(person)
    card = admin.locator(f".st-key-member_{team.project.people[STRANGER].id}")
    card.get_by_role("button", name="Change").click()
    admin.get_by_role("button", name="Withdraw the role").click()
    expect(admin.get_by_text(f"{STRANGER} has no role any more.")).to_be_visible()
    person.get_by_role("button", name="Search").click()
    expect(person.get_by_text("ask an admin for it").first).to_be_visible(timeout=60_000)


def test_a_second_factor(team: TeamConsole, new_context: NewContext) -> None:
    """Whoever has one types its code after the password; a wrong code lets nobody in."""
    secret = team.project.auth.enroll_totp(PM)
    page: Page = new_context(390, "light").new_page()
    page.goto(f"{team.address}/quality")
    fill_in(page, PM)
    page.get_by_label("Code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.get_by_label("Code").fill(totp(secret, clock.now()))
    page.keyboard.press("Enter")
    settled(page)
    assert page.url == f"{team.address}/quality"
    team.project.auth.remove_factors(PM)


def test_an_api_token_is_shown_once(team: TeamConsole, new_context: NewContext) -> None:
    """An admin makes it, copies it, and revokes it; the event names it."""
    page = new_context(1440, "light").new_page()
    sign_in(page, team, ADMIN, "/api-access")
    page.get_by_text("Make a token").click()
    page.get_by_label("Name").fill("The backend")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("Copy the token now.")).to_be_visible()
    secret = page.get_by_test_id("stCode").filter(has_text="oc_").inner_text()
    answer = page.request.get(f"{team.address}/api/settings", headers={"Authorization": f"Bearer {secret.strip()}"})
    assert answer.status == 403  # its scope is generate
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Revoked just now")).to_be_visible()
    expect(page.get_by_text("Copy the token now.")).to_have_count(0)
    answer = page.request.get(f"{team.address}/api/settings", headers={"Authorization": f"Bearer {secret.strip()}"})
    assert answer.status == 401
    page.goto(f"{team.address}/audit-log?action=API_TOKEN_REVOKED")
    settled(page)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()


def test_below_a_path(server: Cluster, new_context: NewContext, team: TeamConsole) -> None:
    """Behind a proxy that serves it in a folder, signing in and out stays in the folder."""
    del team  # for its check that there is a PostgREST
    with team_console(server, base_path="console") as console:
        page = new_context(1440, "light").new_page()
        sign_in(page, console, ENGINEER, "/cost?period=7d")
        assert page.url == f"{console.address}/cost?period=7d"
        page.get_by_role("link", name="Sign out").click()
        expect(page).to_have_url(f"{console.address}/sign-out")
        page.get_by_role("button", name="Sign out here").click()
        expect(page.get_by_label("E-mail address")).to_be_visible()
