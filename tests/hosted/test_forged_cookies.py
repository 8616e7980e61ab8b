"""A cookie that is forged, damaged or expired leads to the form."""

from __future__ import annotations

import psycopg
import pytest

from store.caller import COOKIE
from tests.hosted.consoles import Console
from tests.hosted.forms import sign_in
from tests.hosted.project import NewPerson

FORGED = {
    "empty": "",
    "made up": "N47LqQfg0dHYyOePt8C4npq-pLMbbwtkUSrES1RtUwk",
    "not text": "\xff\xfe\x00\x01",
    "overlong": "x" * 100_000,
    "quoted": '"\\377\\000"',
    "SQL": "' or 1=1 --",
}


@pytest.mark.parametrize("secret", FORGED.values(), ids=FORGED)
def test_a_forged_cookie_is_nobodys(console: Console, secret: str) -> None:
    """Whatever the cookie of a session holds, it leads to the form like no cookie at all."""
    headers = {b"cookie": f"{COOKIE}={secret}".encode("latin-1")}
    browser = console.browser()
    assert browser.get("/cost", headers=headers).headers["location"] == "/sign-in?next=%2Fcost"
    assert browser.get("/_stcore/host-config", headers=headers).status_code == 403
    assert browser.get("/sign-in", headers=headers).status_code == 200


@pytest.mark.parametrize("change", ["cut", "longer", "changed", "upper case", "hashed"])
def test_a_damaged_cookie_is_nobodys(
    console: Console, new_person: NewPerson, project_owner: psycopg.Connection, change: str
) -> None:
    """A secret is good as a whole only, and what the database holds in its place is none."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    secret = browser.cookies[COOKIE]
    [(sha256,)] = project_owner.execute("select session_sha256 from private.sessions").fetchall()
    damaged = {
        "cut": secret[:-1],
        "longer": f"{secret}A",
        "changed": f"{'B' if secret[0] == 'A' else 'A'}{secret[1:]}",
        "upper case": secret.upper(),
        "hashed": sha256,
    }[change]
    other = console.browser()
    other.cookies.set(COOKIE, damaged)
    assert other.get("/").status_code == 303
    assert browser.get("/").status_code == 200


@pytest.mark.usefixtures("look_always")
@pytest.mark.parametrize("column", ["ends_at", "last_seen_at"])
def test_an_expired_cookie_leads_to_the_form(
    console: Console, new_person: NewPerson, project_owner: psycopg.Connection, column: str
) -> None:
    """When a session is over, the next page asks to sign in, and leads back to itself."""
    browser = console.browser()
    sign_in(browser, new_person().email)
    assert browser.get("/").status_code == 200
    project_owner.execute(f"update private.sessions set {column} = now() - interval '8 days'".encode())  # noqa: S608
    assert browser.get("/cost?period=7").headers["location"] == "/sign-in?next=%2Fcost%3Fperiod%3D7"
    assert browser.get("/sign-in").status_code == 200
