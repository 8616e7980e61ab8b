"""Signing in with a password leads to the page asked for, and every refusal is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from store.caller import COOKIE
from store.embedded.cluster import Cluster
from tests.conftest import TEMPLATE, copied
from tests.database.calls import AuditLog
from tests.database.gateway import API_KEY, JWT_SECRET, LEGACY_KEY
from tests.hosted.consoles import Console, MakeConsole
from tests.hosted.forms import heading, hidden, is_let_in, sign_in
from tests.hosted.project import PASSWORD, HostedProject, NewPerson, hosted_project, latest_events
from tests.supabase_auth import AuthServer, Signing, User


@pytest.fixture(name="legacy_project", scope="session")
def legacy_project_fixture(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedProject]:
    """A project from before signing keys: its tokens are signed with the shared secret."""
    folder = tmp_path_factory.mktemp("legacy")
    with (
        copied(server, TEMPLATE) as database,
        hosted_project(server, database, folder, signing=Signing.hs256(JWT_SECRET)) as made,
    ):
        yield made


def test_the_page_that_was_asked_for_is_shown_after_signing_in(console: Console, new_person: NewPerson) -> None:
    """Whoever follows a link signs in and is where they wanted to be, with all parameters of the link."""
    asked = "/cost?period=30&model=a%20b&next=%2Fx%3Fy%3D1&q=%26%3C"
    browser = console.browser()
    sent_away = browser.get(asked)
    assert sent_away.status_code == 303
    form = browser.get(sent_away.headers["location"])
    assert (form.status_code, heading(form)) == (200, "Sign in")
    signed_in = sign_in(browser, new_person().email, next=hidden(form, "next"))
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, asked)
    assert browser.get(asked).text == "the console at /cost"


@pytest.mark.parametrize("key", [API_KEY, LEGACY_KEY], ids=["publishable key", "key anon"])
@pytest.mark.parametrize("signing", ["ES256", "HS256"])
def test_old_and_new_projects_sign_people_in(
    request: pytest.FixtureRequest, make_console: MakeConsole, signing: str, key: str
) -> None:
    """A project's signing keys and its API key may be of either generation."""
    project = request.getfixturevalue("project" if signing == "ES256" else "legacy_project")
    browser = make_console(project, SUPABASE_KEY=key).browser()
    assert sign_in(browser, "pm@example.com").status_code == 303
    assert is_let_in(browser)


def _nobody(auth: AuthServer, person: User) -> tuple[str, str]:
    return "nobody@example.com", PASSWORD


def _wrong(auth: AuthServer, person: User) -> tuple[str, str]:
    return person.email, "a wrong password"


def _empty(auth: AuthServer, person: User) -> tuple[str, str]:
    return person.email, ""


def _banned(auth: AuthServer, person: User) -> tuple[str, str]:
    auth.ban(person.email, datetime(2100, 1, 1, tzinfo=UTC))
    return person.email, PASSWORD


def _unconfirmed(auth: AuthServer, person: User) -> tuple[str, str]:
    return auth.add_user(f"un{person.email}", PASSWORD, confirmed=False).email, PASSWORD


Refused = Callable[[AuthServer, User], tuple[str, str]]


@pytest.mark.parametrize("refused", [_nobody, _empty, _banned, _unconfirmed])
def test_all_refusals_are_the_same(
    console: Console, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection, refused: Refused
) -> None:
    """Nothing tells an account that does not exist from a wrong password: neither the page nor the audit event."""
    seen = []
    for case in (_wrong, refused):
        email, password = case(auth, new_person())
        browser = console.browser()
        answer = sign_in(browser, email, password, next="/cost")
        assert COOKIE not in browser.cookies
        assert not is_let_in(browser)
        [event] = latest_events(project_owner, "CONSOLE_SIGN_IN_REFUSED")
        for name in ("id", "timestamp", "entity_id"):
            del event[name]
        headers = sorted(pair for pair in answer.headers.items() if pair[0] != "content-length")
        seen.append((answer.status_code, headers, answer.text.replace(email, "..."), event))
    assert seen[0][0] == 401
    assert "not right" in seen[0][2]
    assert seen[0] == seen[1]


def test_looking_at_the_head_of_the_form_is_no_attempt(console: Console, audit_log: AuditLog) -> None:
    """A monitor that asks for the headers of the page neither signs in nor is counted as a refused sign-in."""
    assert console.browser().head("/sign-in").status_code in (200, 405)
    assert audit_log.changes() == []
