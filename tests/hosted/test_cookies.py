"""The cookie of a session is for the console alone, serves every tab and host, and is found among others."""

from __future__ import annotations

import pytest

from store.caller import COOKIE
from tests.hosted.consoles import Console, MakeConsole
from tests.hosted.forms import UNFINISHED, sign_in
from tests.hosted.house import House
from tests.hosted.project import NewPerson
from tests.supabase_auth import AuthServer


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


OTHERS_COOKIES = ['seen={"tour": 1}', "flag", "a=b c", "tab[1]=x", "name=Zo\xeb", 'a="b', "path=/x", "a=1;"]


@pytest.mark.parametrize("other", OTHERS_COOKIES)
def test_a_strange_cookie_of_another_site_signs_nobody_out(house: House, new_person: NewPerson, other: str) -> None:
    """Cookies know no ports: whatever else runs under this name sets some, and browsers send the older ones first."""
    secret = house.open_session(new_person().email)
    assert house.ask("/", headers=[("cookie", f"{other}; {COOKIE}={secret}")]).status == 200


@pytest.mark.parametrize("cookies", [["a=1", "{session}"], ["a=1; {session}; b=2"], ["{session}", "b=2"]])
def test_the_session_is_found_among_other_cookies(house: House, new_person: NewPerson, cookies: list[str]) -> None:
    """In one header or in several, as HTTP/2 allows."""
    session = f"{COOKIE}={house.open_session(new_person().email)}"
    headers = [("cookie", text.format(session=session)) for text in cookies]
    assert house.ask("/", headers=headers).body == b"inside"
