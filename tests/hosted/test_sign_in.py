"""Signing in and out, as a browser does it: passwords, second factors, providers, links in mails."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import httpx
import httpx2
import psycopg
import pytest
from starlette.testclient import TestClient

from store import Json, clock
from store.caller import COOKIE
from store.embedded.cluster import Cluster
from store.hosted import browsers
from tests.conftest import TEMPLATE, copied
from tests.database.calls import AuditLog
from tests.database.gateway import API_KEY, JWT_SECRET, LEGACY_KEY
from tests.hosted.conftest import Console, MakeConsole, NewPerson, complaint_of, sign_in
from tests.hosted.project import PASSWORD, HostedProject, hosted_project
from tests.supabase_auth import AuthServer, Signing, User, totp

UNFINISHED = "console_sign_in"
NEW_PASSWORD = "another good long password"
MOST_COOKIE_BYTES = 4096
"""Of a cookie's name and value; browsers ignore longer ones."""


@pytest.fixture(name="audit_log")
def audit_log_fixture(project_owner: psycopg.Connection) -> AuditLog:
    """The project's audit log, compared with its state before the test."""
    return AuditLog(project_owner)


@pytest.fixture(name="legacy_project", scope="session")
def legacy_project_fixture(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedProject]:
    """A project from before signing keys: its tokens are signed with the shared secret."""
    folder = tmp_path_factory.mktemp("legacy")
    with (
        copied(server, TEMPLATE) as database,
        hosted_project(server, database, folder, signing=Signing.hs256(JWT_SECRET)) as made,
    ):
        yield made


@pytest.fixture(name="look_always")
def look_always_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request looks whether its session is still there, not only one in fifteen seconds."""
    monkeypatch.setattr(browsers, "_TRUSTED_S", -1.0)


def heading(response: httpx2.Response) -> str:
    """The heading of a page."""
    found = re.search(r"<h1>(.*?)</h1>", response.text)
    return html.unescape(found[1]) if found else ""


def hidden(response: httpx2.Response, name: str) -> str:
    """The value of a hidden field of a page's first form."""
    found = re.search(rf'<input type="hidden" name="{name}" value="(.*?)">', response.text)
    assert found
    return html.unescape(found[1])


def is_let_in(browser: TestClient) -> bool:
    """Whether this browser reaches the screen."""
    return browser.get("/").status_code == 200


def latest_events(owner: psycopg.Connection, action: str, limit: int = 1) -> list[dict[str, Json]]:
    """The newest audit events of an action, as objects by column name."""
    query = "select to_jsonb(a) from public.audit_logs as a where action = %s order by timestamp desc limit %s"
    return [row for (row,) in owner.execute(query, [action, limit])]


# Passwords


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


@pytest.mark.parametrize("url", ["https://console.example.com", "http://console.example.com"])
def test_cookies_are_for_the_console_alone(
    make_console: MakeConsole, new_person: NewPerson, auth: AuthServer, url: str
) -> None:
    """Scripts cannot read the cookies, other sites' forms do not send them, and over https they stay there."""
    plain, careful = new_person(), new_person()
    auth.enroll_totp(careful.email)
    console = make_console(ORCHESTRATOR_PUBLIC_URL=url)
    cookies = []
    for person, name in ((plain, COOKIE), (careful, UNFINISHED)):
        sent = sign_in(console.browser(), person.email).headers.get_list("set-cookie")
        cookies += [cookie for cookie in sent if cookie.startswith(f"{name}=") and "Max-Age=0" not in cookie]
    assert len(cookies) == 2
    for cookie in cookies:
        flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert ("secure" in flags) == url.startswith("https:")
        assert not any(flag.startswith("domain") for flag in flags)


def test_reloads_tabs_and_other_hosts_use_the_same_session(
    make_console: MakeConsole, new_person: NewPerson, auth: AuthServer
) -> None:
    """Signing in is needed once per browser, however many pages, tabs and hosts follow, and makes one session."""
    one_host, other_host = make_console(), make_console()
    browser = one_host.browser()
    sign_in(browser, new_person().email)
    secret, signed_in = browser.cookies[COOKIE], auth.calls["token/password"]
    for host in (one_host, other_host, one_host):
        tab = host.browser()
        tab.cookies.set(COOKIE, secret)
        pages = [tab.get("/"), tab.get("/cost?period=7"), tab.get("/")]
        assert [page.status_code for page in pages] == [200, 200, 200]
        assert not any("set-cookie" in page.headers for page in pages)
    assert auth.calls["token/password"] == signed_in + 1  # the orchestrator's own, on the other host
    again = browser.get("/sign-in", params={"next": "/cost?period=7"})
    assert (again.status_code, again.headers["location"]) == (303, "/cost?period=7")


def test_a_cookie_of_another_program_is_no_obstacle(console: Console, new_person: NewPerson) -> None:
    """Cookies of other programs under the same name reach the console too, and may hold any characters."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    ours = f"{COOKIE}={browser.cookies[COOKIE]}"
    elsewhere = console.browser()
    assert elsewhere.get("/", headers={"cookie": f"theme=dark; {ours}"}).status_code == 200
    assert elsewhere.get("/", headers={"cookie": f"{ours}; consent={{}}"}).status_code == 200


@pytest.mark.parametrize("foreign", ['prefs={"a":"b"}', "a b=c", "naïve=é", 'open="x', "list[]=1"])
def test_a_cookie_that_follows_an_odd_one_is_found(console: Console, new_person: NewPerson, foreign: str) -> None:
    """A cookie of another program in front of ours, which is not as strictly written, does not sign anybody out."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    header = f"{foreign}; {COOKIE}={browser.cookies[COOKIE]}".encode()
    assert console.browser().get("/", headers={b"cookie": header}).status_code == 200


def test_a_console_below_a_path_stays_there(make_console: MakeConsole, new_person: NewPerson) -> None:
    """Redirects and cookies of a console at /console do not leave that path."""
    browser = make_console(base="console").browser()
    sent_away = browser.get("/console/cost?period=7")
    assert sent_away.headers["location"] == "/console/sign-in?next=%2Fcost%3Fperiod%3D7"
    fields = {"email": new_person().email, "password": PASSWORD, "next": "/cost?period=7"}
    signed_in = browser.post("/console/sign-in", data=fields)
    assert signed_in.headers["location"] == "/console/cost?period=7"
    assert "Path=/console;" in signed_in.headers["set-cookie"]


def test_the_screen_of_a_console_below_a_path_is_reached(make_console: MakeConsole, new_person: NewPerson) -> None:
    """Our own routes below the base leave the screen's alone."""
    browser = make_console(base="console").browser()
    browser.post("/console/sign-in", data={"email": new_person().email, "password": PASSWORD})
    assert browser.get("/console/cost").text == "the console at /console/cost"


def test_looking_at_the_head_of_the_form_is_no_attempt(console: Console, audit_log: AuditLog) -> None:
    """A monitor that asks for the headers of the page neither signs in nor is counted as a refused sign-in."""
    assert console.browser().head("/sign-in").status_code in (200, 405)
    assert audit_log.changes() == []


# Second factors


@pytest.fixture(name="authenticator")
def authenticator_fixture(new_person: NewPerson, auth: AuthServer) -> tuple[User, str]:
    """Somebody with an authenticator app, and its secret."""
    person = new_person()
    return person, auth.enroll_totp(person.email)


def code_of(secret: str) -> str:
    """What the app shows now."""
    return totp(secret, clock.now())


def wrong_code_of(secret: str) -> str:
    """Six digits that the app does not show around now."""
    return next(f"{number:06}" for number in range(100) if not _is_near(secret, f"{number:06}"))


def _is_near(secret: str, code: str) -> bool:
    now = clock.now().timestamp()
    return code in {totp(secret, datetime.fromtimestamp(now + 30 * step, UTC)) for step in range(-3, 4)}


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


def test_an_unfinished_sign_in_fits_into_a_cookie(
    console: Console, authenticator: tuple[User, str], auth: AuthServer
) -> None:
    """Whoever has a second factor can sign in from a long link too: browsers drop cookies above 4 KB silently."""
    person, _ = authenticator
    auth.users[person.id].metadata |= {
        "avatar_url": "https://lh3.googleusercontent.com/a/" + "x" * 80, "email": person.email, "full_name": "A Person",
        "iss": "https://accounts.google.com", "name": "A Person", "picture": "https://lh3.google.com/a/" + "x" * 80,
        "provider_id": "1" * 21, "sub": "1" * 21,
    }  # fmt: skip
    browser = console.browser()
    sign_in(browser, person.email, next="/generations?search=" + "x" * 1_900)
    assert len(UNFINISHED) + len(browser.cookies[UNFINISHED]) <= MOST_COOKIE_BYTES


# Providers


@pytest.fixture(name="with_providers")
def with_providers_fixture(make_console: MakeConsole) -> Console:
    """A console that offers Google and a company's single sign-on."""
    return make_console(ORCHESTRATOR_SIGN_IN_PROVIDERS="google,company.example")


def to_provider(browser: TestClient, provider: str = "google", **more: str) -> str:
    """Press a provider's button; returns the address of its page."""
    response = browser.post("/sign-in", data={"provider": provider, **more})
    assert response.status_code == 303
    return response.headers["location"]


def back_from(provider_page: str, *, cancel: bool = False) -> str:
    """Press "Continue" or "Cancel" on a provider's page; returns where it sends the browser, without the origin."""
    page = httpx.get(provider_page)
    assert page.status_code == 200
    fields = dict(re.findall(r'name="(\w+)" value="(.*?)"', page.text))
    [action], [cancelling] = re.findall(r'action="(.*?)"', page.text), re.findall(r'<a href="(.*?)"', page.text)
    answer = httpx.get(html.unescape(cancelling)) if cancel else httpx.get(action, params=fields)
    parts = urlsplit(answer.headers["location"])
    assert parts[:2] == ("http", "localhost")
    return f"{parts.path}?{parts.query}"


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


# Links in mails


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


# Signing out


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


# Guessing


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


# What is written down


def test_events_hold_ids_only(
    console: Console, new_person: NewPerson, audit_log: AuditLog, project_owner: psycopg.Connection
) -> None:
    """Signing in, being refused and signing out are recorded, without anybody's address."""
    person, browser = new_person(), console.browser("203.0.113.77")
    sign_in(browser, person.email, "a wrong password")
    sign_in(browser, person.email)
    browser.post("/sign-out", data={})
    assert sorted(audit_log.changes()) == ["CONSOLE_SIGNED_IN", "CONSOLE_SIGNED_OUT", "CONSOLE_SIGN_IN_REFUSED"]
    for action, user in (("CONSOLE_SIGNED_IN", person.id), ("CONSOLE_SIGNED_OUT", person.id)):
        [event] = latest_events(project_owner, action)
        assert (event["user_id"], event["actor_id"], event["entity_type"], event["entity_id"]) == (
            user, user, "person", user,
        )  # fmt: skip
        assert event["user_agent"] == "testclient"
    [refused] = latest_events(project_owner, "CONSOLE_SIGN_IN_REFUSED")
    assert (refused["user_id"], refused["severity"], refused["ip_address"]) == (None, "warning", "203.0.113.77")
    assert re.fullmatch(r"[0-9a-f]{16}", str(refused["entity_id"]))
    texts = project_owner.execute("select to_jsonb(a)::text from public.audit_logs as a").fetchall()
    assert [text for (text,) in texts if "@" in text or person.email.partition("@")[0] in text] == []


def test_logs_hold_no_address_and_no_secret(
    console: Console, authenticator: tuple[User, str], auth: AuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Even at the most talkative level, no log line holds an address, a password, a token or a cookie."""
    (person, secret), browser = authenticator, console.browser()
    with caplog.at_level(logging.DEBUG):
        sign_in(browser, person.email, "a wrong password")
        sign_in(browser, person.email)
        sealed = browser.cookies[UNFINISHED]
        browser.post("/sign-in", data={"code": code_of(secret)})
        assert is_let_in(browser)
        cookie = browser.cookies[COOKIE]
        [session] = [session for session in auth.sessions.values() if session.user_id == person.id]
        browser.post("/auth/reset", data={"email": person.email})
        browser.post("/sign-out", data={})
    assert caplog.records
    told = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    for private in (person.email, "a wrong password", PASSWORD, cookie, sealed, session.refresh_token, "eyJ"):
        assert private not in told


# A console without sign-in


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/auth/callback", "/auth/reset", "/auth/accept"])
def test_a_console_without_sign_in_has_no_such_pages(path: str) -> None:
    """On the embedded database, the addresses of signing in lead to the console."""
    from starlette.applications import Starlette

    from server.settings import ServerSettings
    from server.sign_in.routes import sign_in_routes

    site = ServerSettings().site(pytest.fail)
    browser = TestClient(Starlette(routes=sign_in_routes(site)), "http://localhost", follow_redirects=False)
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
