"""What pages of other sites, and links on them, can do to somebody who signs in: nothing."""

from __future__ import annotations

import posixpath
import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

import pytest

from store.identity import PasswordLogin
from tests.hosted.house import House, MakeHouse, check_turned_away
from tests.hosted.project import PASSWORD, NewPerson
from tests.supabase_auth import User


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost.evil.example", "http://localhost:1", "null"]
)
def test_a_foreign_page_opens_no_socket(house: House, new_person: NewPerson, origin: str) -> None:
    """Not even with the cookie of somebody who is signed in."""
    secret = house.open_session(new_person().email)
    assert house.knock(secret=secret, headers=[("origin", "http://localhost")])
    house.inside.entered.clear()
    assert not house.knock(secret=secret, headers=[("origin", origin)])
    assert not house.knock(secret=secret, headers=[("origin", "http://localhost"), ("origin", origin)])
    assert house.inside.entered == []


@pytest.mark.parametrize("host", [None, "evil.example", "localhost.evil.example", "localhost@evil.example", "0.0.0.0"])  # noqa: S104 - refused
def test_a_foreign_name_gets_nothing(house: House, new_person: NewPerson, host: str | None) -> None:
    """Neither with a session nor where no session is needed."""
    secret = house.open_session(new_person("admin").email)
    for path in ("/", "/media/x", "/sign-in", "/api/settings", "/api/health", "/_stcore/health"):
        assert house.ask(path, secret, host=host).status == 403
        assert house.ask(path, secret, headers=[("host", host or "localhost")]).status == 403  # a second one
    assert not house.knock(secret=secret, host=host)
    assert house.inside.entered == []


@pytest.mark.parametrize("host", ["console.example.com", "localhost:6666"])
def test_a_mailed_link_leads_to_the_public_name(make_house: MakeHouse, new_person: NewPerson, host: str) -> None:
    """Whatever Host, or forwarded host, the request for it had."""
    house = make_house(ORCHESTRATOR_PUBLIC_URL="https://console.example.com")
    house.project.auth.redirect_urls = [
        "https://console.example.com/",
        "http://localhost:6666/",
        "https://evil.example/",
    ]
    forwarded = [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("x-forwarded-proto", "http"),
    ]
    answer = house.ask("/auth/reset", method="POST", form={"email": new_person().email}, host=host, headers=forwarded)
    assert answer.status == 200
    (target,) = parse_qs(urlsplit(house.project.auth.mails[-1].link).query)["redirect_to"]
    assert target == "https://console.example.com/auth/accept"


@dataclass(frozen=True, slots=True)
class Post:
    """A form that another site's page may send by itself."""

    path: str
    form: dict[str, str]


POSTS = [
    Post("/sign-in", {"email": "{email}", "password": PASSWORD}),
    Post("/sign-in", {"code": "123456"}),
    Post("/sign-in", {"provider": "google"}),
    Post("/sign-out", {"everywhere": "1"}),
    Post("/auth/reset", {"email": "{email}"}),
    Post("/auth/accept", {"access_token": "x", "refresh_token": "y", "kind": "recovery"}),
    Post("/auth/accept", {"password": "another good long password"}),
    Post("/api/generate-agent-v2", {"prompt": "p"}),
    Post("/api/audit-events", {"events": "[]"}),
    Post("/", {}),
]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://evil.localhost"])
@pytest.mark.parametrize("post", POSTS, ids=lambda post: f"{post.path} {' '.join(post.form)}")
def test_a_foreign_page_sends_no_form(house: House, new_person: NewPerson, post: Post, origin: str) -> None:
    """It signs nobody in, as the attacker or as themselves, and nobody out."""
    person = new_person()
    secret, mails = house.open_session(person.email), len(house.project.auth.mails)
    form = {name: value.format(email=person.email) for name, value in post.form.items()}
    answer = house.ask(post.path, secret, method="POST", form=form, headers=[("origin", origin)])
    assert (answer.status, answer.session) == (403, None)
    assert len(house.project.auth.mails) == mails
    assert house.ask("/", secret).status == 200


def test_our_own_page_signs_in(house: House, new_person: NewPerson) -> None:
    """The same form from our own page, which makes the test above meaningful."""
    form, own = {"email": new_person().email, "password": PASSWORD}, [("origin", "http://localhost")]
    signed_in = house.ask("/sign-in", method="POST", form=form, headers=own)
    assert signed_in.status == 303
    assert house.ask("/", signed_in.session).body == b"inside"


def test_our_own_page_signs_out(house: House, new_person: NewPerson) -> None:
    """And takes the cookie back."""
    secret = house.open_session(new_person().email)
    signed_out = house.ask("/sign-out", secret, method="POST", form={}, headers=[("origin", "http://localhost")])
    assert (signed_out.status, signed_out.session) == (303, "")
    check_turned_away(house, secret)


@pytest.mark.parametrize(
    "link",
    [
        "/sign-out", "/sign-out?everywhere=1", "/sign-in?email={email}&password={password}", "/sign-in?code=123456",
        "/auth/accept?access_token={token}&refresh_token=x&kind=recovery", "/auth/callback?code=of-the-attacker",
    ],
)  # fmt: skip
def test_no_link_signs_in_or_out(house: House, new_person: NewPerson, link: str) -> None:
    """A link is followed with the cookie from wherever it is, so it must change nothing."""
    person = new_person()
    token = house.site.store().auth.sign_in(PasswordLogin(person.email, PASSWORD)).access_token
    path = link.format(email=quote(person.email), password=quote(PASSWORD), token=token)
    assert house.ask(path).session is None
    secret = house.open_session(person.email)
    assert not house.ask(path, secret).session
    assert house.ask("/", secret).status == 200


def test_a_session_that_somebody_prepared_is_not_taken_over(house: House, new_person: NewPerson) -> None:
    """Signing in gives a new secret, so nobody else knows it."""
    prepared, form = secrets.token_urlsafe(32), {"email": new_person().email, "password": PASSWORD}
    given = house.ask("/sign-in", prepared, method="POST", form=form).session
    assert given
    assert given != prepared
    check_turned_away(house, prepared)


ELSEWHERE = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\/evil.example", "\\\\evil.example",
    "https://evil.example", "https:evil.example", "https:/evil.example", "javascript:alert(1)", "data:text/html,x",
    "evil.example", "@evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example", "\t//evil.example",
    " //evil.example", "/\x00/evil.example", "/\u200b/evil.example", "/\u2066/evil.example", "/\x7f/evil.example",
    "/\x85/evil.example", "//evil.example/%2f..", "//[evil", "//evil.example\\@localhost", "", "?x", "#x",
    "/" + "a" * 2_000, "/sign-in", "/sign-in?next=//evil.example", "/sign-out", "/sign-out?everywhere=1",
    "/auth/callback?code=x", "/api/audit-events", "/api", "/cost\r\nset-cookie: a=b",
]  # fmt: skip
"""What a link to the sign-in page may ask for; none of it is a page of the console."""
ODD_PATHS = [
    "/%2f%2fevil.example", "/%5cevil.example", "/%09/evil.example", "/.//evil.example", "/..//evil.example",
    "/;@evil.example", "/:80@evil.example", "/x:@evil.example", "/cost?next=//evil.example", "/cost#//evil.example",
    "/%2e%2e//evil.example", "/\u2028/evil.example", "/\uff0f/evil.example",
]  # fmt: skip
"""Paths that look like another site and are none."""
OUR_PAGES = [
    "/",
    "/cost",
    "/generations?status=failed&search=a%26b%20c",
    "/cost?days=7#chart",
    "/signing",
    "/apis",
    "/é",
]


def where(location: str | None) -> tuple[str, str]:
    """The origin and path to which a browser goes for this header: it forgives backslashes, blanks and hidden dots."""
    text = re.sub(r"[\t\r\n]", "", (location or "").strip("".join(map(chr, range(33))))).replace("\\", "/")
    target = urlsplit(urljoin("http://localhost/sign-in", re.sub("%2e", ".", text, flags=re.IGNORECASE)))
    path = posixpath.normpath(unquote(target.path) or "/")
    return f"{target.scheme}://{target.netloc}", path


def locations(house: House, person: User, asked: str) -> list[str | None]:
    """Where one is sent after the form, and who is signed in already."""
    next_ = quote(asked, safe="")
    form = {"email": person.email, "password": PASSWORD}
    page = house.ask(f"/sign-in?next={next_}").body.decode()
    kept = re.search(r'name="next" value="([^"]*)"', page)
    assert kept
    posted = house.ask("/sign-in", method="POST", form=form | {"next": asked})
    there = house.ask(f"/sign-in?next={next_}", posted.session)
    assert (posted.status, there.status) == (303, 303)
    return [posted.header("location"), there.header("location")]


@pytest.mark.parametrize("asked", ELSEWHERE, ids=ascii)
def test_signing_in_leads_nowhere_else(house: House, new_person: NewPerson, asked: str) -> None:
    """Anything that is no page of the console becomes the first page."""
    assert locations(house, new_person(), asked)[1:] == ["/"]


@pytest.mark.parametrize("asked", ODD_PATHS, ids=ascii)
def test_signing_in_stays_on_this_site(house: House, new_person: NewPerson, asked: str) -> None:
    """As browsers understand it."""
    for location in locations(house, new_person(), asked):
        assert where(location)[0] == "http://localhost"


@pytest.mark.parametrize("asked", OUR_PAGES, ids=ascii)
def test_signing_in_leads_to_the_page_that_was_asked_for(house: House, new_person: NewPerson, asked: str) -> None:
    """With its filters."""
    assert locations(house, new_person(), asked) == [quote(asked, safe="/?=&%#")] * 2


@pytest.mark.parametrize("asked", ["/./sign-out", "/cost/../sign-out", "/%73ign-out", "/x/%2e%2e/api/audit-events"])
def test_no_spelling_leads_to_signing_out(house: House, new_person: NewPerson, asked: str) -> None:
    """Those paths are left out because somebody who has just signed in does not want to sign out."""
    for location in locations(house, new_person(), asked):
        assert where(location)[1].split("/")[1] not in ("sign-in", "sign-out", "auth", "api")


@pytest.mark.parametrize("asked", ["/../other", "/cost/../../other", "/%2e%2e/other"])
def test_signing_in_stays_below_the_path(make_house: MakeHouse, new_person: NewPerson, asked: str) -> None:
    """Next to it there may be something else."""
    form = {"email": new_person().email, "password": PASSWORD, "next": asked}
    location = make_house("console").ask("/console/sign-in", method="POST", form=form).header("location")
    assert where(location)[1].split("/")[1] == "console"
