"""An unfinished sign-in is sealed in a cookie, which fits a browser, cannot be forged and works once."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import httpx
import httpx2
import psycopg
import pytest
from starlette.testclient import TestClient

from store.hosted.seal import Seal
from tests.hosted.consoles import Console
from tests.hosted.forms import UNFINISHED, complaint_of, sign_in
from tests.hosted.project import COOKIE_SECRET, PASSWORD, NewPerson
from tests.supabase_auth import AuthServer, User

PURPOSE = "unfinished sign-in"
MOST_COOKIE_BYTES = 4096
"""Of a cookie's name and value; browsers ignore longer ones."""


def _sealed(text: str, secret: str = COOKIE_SECRET, purpose: str = PURPOSE) -> str:
    return Seal(secret).close(text, purpose)


_BEGUN = json.dumps({"next": "/", "method": "provider", "verifier": "v" * 43, "tokens": None})
UNFINISHED_FORGERIES = {
    "empty": "",
    "made up": "bm90aGluZw==",
    "not base64": "%%%",
    "cut": _sealed(_BEGUN)[:-5],
    "changed": f"{_sealed(_BEGUN)[:-5]}AAAA=",
    "of another installation": _sealed(_BEGUN, secret="the secret of some other installation"),
    "for another purpose": _sealed(_BEGUN, purpose="0" * 64),
    "nothing in it": _sealed("{}"),
    "no object": _sealed("[]"),
    "no JSON": _sealed("\0"),
    "endless": _sealed("[" * 2_000),
    "of an unknown kind": _sealed(_BEGUN.replace("provider", "magic")),
}


@pytest.mark.parametrize("sealed", UNFINISHED_FORGERIES.values(), ids=UNFINISHED_FORGERIES)
def test_a_forged_unfinished_sign_in_is_none(console: Console, auth: AuthServer, sealed: str) -> None:
    """Nothing but a cookie that this installation gave continues a sign-in; Auth is not asked about others."""
    headers = {"cookie": f"{UNFINISHED}={sealed}"}
    assert console.store  # which signs the orchestrator in
    before = sum(auth.calls.values())
    answers = [
        console.browser().post("/sign-in", data={"code": "123456"}, headers=headers),
        console.browser().get("/auth/callback?code=x", headers=headers),
        console.browser().post("/auth/accept", data={"password": "a long password"}, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [400] * 3
    assert all("another browser" in complaint_of(answer) for answer in answers)
    assert sum(auth.calls.values()) == before


@pytest.fixture(name="begun")
def begun_fixture(console: Console, new_person: NewPerson, auth: AuthServer) -> tuple[User, TestClient, str]:
    """Somebody at the form for a new password, their browser, and the cookie of their unfinished sign-in."""
    person, browser = new_person(), console.browser()
    browser.post("/auth/reset", data={"email": person.email})
    fragment = urlsplit(httpx.get(auth.mails[-1].link).headers["location"]).fragment
    given = dict(parse_qsl(fragment))
    fields = {"access_token": given["access_token"], "refresh_token": given["refresh_token"], "kind": "recovery"}
    assert browser.post("/auth/accept", data=fields).status_code == 200
    return person, browser, browser.cookies[UNFINISHED].strip('"')


def choose(console: Console, sealed: str, password: str) -> httpx2.Response:
    """Send the form for a new password from another browser, which has the cookie of an unfinished sign-in."""
    headers = {"cookie": f"{UNFINISHED}={sealed}"}
    return console.browser().post("/auth/accept", data={"password": password}, headers=headers)


def test_a_finished_sign_in_cannot_be_finished_again(
    console: Console, auth: AuthServer, begun: tuple[User, TestClient, str]
) -> None:
    """A copy of the cookie is worth nothing once its owner has chosen the password."""
    person, browser, sealed = begun
    assert browser.post("/auth/accept", data={"password": "a password of one's own"}).status_code == 303
    replayed = choose(console, sealed, "a password of a thief")
    assert auth.users[person.id].password == "a password of one's own"
    assert replayed.status_code == 400


def test_an_unfinished_sign_in_is_over_after_ten_minutes(
    console: Console, auth: AuthServer, begun: tuple[User, TestClient, str], project_owner: psycopg.Connection
) -> None:
    """A browser that ignores the end of the cookie, or a copy of it, comes too late by the database's clock."""
    person, _, sealed = begun
    project_owner.execute("update private.unfinished_sign_ins set ends_at = ends_at - interval '10 minutes'")
    late = choose(console, sealed, "a password that comes too late")
    assert auth.users[person.id].password == PASSWORD
    assert late.status_code == 400


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
