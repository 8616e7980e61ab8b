"""Without a session of somebody who has a role, nothing behind the gate is reached."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest

from server import gate
from store import Unavailable
from store.api_tokens import sha256_of
from store.caller import COOKIE
from store.hosted import browsers
from store.hosted.browsers import BrowserSessions
from store.hosted.supabase import SupabaseStore
from store.identity import PasswordLogin
from tests.database.gateway import API_KEY
from tests.hosted.conftest import MakeHouse, NewPerson
from tests.hosted.house import FILES, LIMIT_S, PAGES, House, Socket, check_turned_away
from tests.hosted.project import MACHINE, PASSWORD
from tests.supabase_auth import User

_FAR = datetime(2199, 1, 1, tzinfo=UTC)
_MOST_COOKIE_CHARS = 60_000


@pytest.fixture(name="_looks_each_time")
def looks_each_time_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that has ended is noticed at once, not within seconds."""
    monkeypatch.setattr(browsers, "_TRUSTED_S", 0.0)


@pytest.mark.parametrize("role", ["admin", "pm", "engineer"])
def test_people_with_a_role_are_let_in(house: House, new_person: NewPerson, role: str) -> None:
    """Otherwise the tests below would mean nothing."""
    secret = house.open_session(new_person(role).email)
    for path in (*PAGES, *FILES):
        assert house.ask(path, secret).body == b"inside"
    assert house.knock(secret=secret)
    assert house.ask("/api/settings", secret).status == 200


MADE_UP: dict[str, str | None] = {
    "no cookie": None,
    "an empty one": "",
    "a word": "admin",
    "a random one": secrets.token_urlsafe(32),
    "quoted": '"; drop table sessions; --"',
    "a very long one": "a" * _MOST_COOKIE_CHARS,
    "letters that are none": "\xff\xfe",
}


@pytest.mark.parametrize("cookie", MADE_UP)
def test_a_made_up_cookie_is_turned_away(house: House, cookie: str) -> None:
    """From every page, file, WebSocket and route."""
    check_turned_away(house, MADE_UP[cookie])


def test_what_the_database_holds_is_no_cookie(
    house: House, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """Whoever reads the table of sessions gets nowhere with it."""
    secret = house.open_session(new_person("admin").email)
    query = "select session_sha256, sealed_tokens, user_id::text from private.sessions"
    ((sha256, sealed, user_id),) = project_owner.execute(query).fetchall()
    assert sha256 == sha256_of(secret)
    for stolen in (sha256, sealed, user_id):
        check_turned_away(house, stolen)
    assert house.ask("/", secret).status == 200


def test_an_access_token_is_no_cookie(house: House, new_person: NewPerson) -> None:
    """A token of the project opens the API as a bearer's, not the screen."""
    tokens = house.site.store().auth.sign_in(PasswordLogin(new_person("admin").email, PASSWORD))
    check_turned_away(house, tokens.access_token)


def test_a_cookie_of_another_installation_is_turned_away(house: House, new_person: NewPerson) -> None:
    """Even one of the same project: its tokens were sealed with another secret."""
    login = PasswordLogin(MACHINE, PASSWORD)
    other = SupabaseStore(house.project.url, API_KEY, machine=login, cookie_secret="the secret of another installation")
    try:
        tokens = other.auth.sign_in(PasswordLogin(new_person("admin").email, PASSWORD))
        secret = other.browsers().open(tokens, "password", {})
        assert other.browsers().find(secret) is not None
    finally:
        other.close()
    check_turned_away(house, secret)


def test_somebody_without_a_role_is_turned_away(house: House, new_person: NewPerson) -> None:
    """They are signed in, but an admin has not let them in yet."""
    check_turned_away(house, house.open_session(new_person(None).email), api_status=403)


def test_the_orchestrators_own_user_has_no_screen(house: House) -> None:
    """Its role is for recording."""
    secret = house.open_session(MACHINE)
    house.inside.entered.clear()
    assert house.ask("/", secret).status == 303
    assert house.ask("/media/report.csv", secret).status == 403
    assert not house.knock(secret=secret)
    assert house.inside.entered == []


@dataclass(frozen=True, slots=True)
class Ending:
    """Somebody who is signed in, and what ends that."""

    house: House
    person: User
    secret: str
    owner: psycopg.Connection

    def run(self, statement: str) -> None:
        """Change something behind the console's back."""
        self.owner.execute(statement.encode(), {"user": self.person.id})

    def close(self, *, everywhere: bool) -> None:
        """Close the session as signing out does; everywhere: in another browser, but there for all."""
        secret = self.house.open_session(self.person.email) if everywhere else self.secret
        self.house.site.store().machine().call(
            "close_session", p_session=sha256_of(secret), p_everywhere=everywhere, p_cause="signed_out", p_browser={}
        )


ENDINGS: dict[str, Callable[[Ending], None]] = {
    "signed out": lambda it: it.close(everywhere=False),
    "signed out everywhere": lambda it: it.close(everywhere=True),
    "its time is up": lambda it: it.run("update private.sessions set ends_at = now() where user_id = %(user)s"),
    "not used for 12 hours": lambda it: it.run(
        "update private.sessions set last_seen_at = now() - interval '12 hours' where user_id = %(user)s"
    ),
    "banned": lambda it: it.house.project.auth.ban(it.person.email, _FAR),
    "deleted": lambda it: it.house.project.auth.delete_user(it.person.email),
    "gone from the table of users": lambda it: it.run("delete from auth.users where id = %(user)s"),
    "role withdrawn": lambda it: it.run("delete from public.console_roles where user_id = %(user)s"),
}


@pytest.fixture(name="ending")
def ending_fixture(house: House, new_person: NewPerson, project_owner: psycopg.Connection) -> Ending:
    """Somebody who is signed in."""
    person = new_person()
    return Ending(house, person, house.open_session(person.email), project_owner)


@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.usefixtures("_looks_each_time")
def test_an_ended_session_is_turned_away(ending: Ending, how: str) -> None:
    """However it ended."""
    assert ending.house.ask("/", ending.secret).status == 200
    ENDINGS[how](ending)
    check_turned_away(ending.house, ending.secret, api_status=403 if how == "role withdrawn" else 401)


@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.usefixtures("_looks_each_time")
def test_an_open_socket_ends_with_the_session(ending: Ending, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """The gate closes it, and what serves it is stopped."""
    monkeypatch.setattr(gate, "_LOOK_EVERY_S", 0.02)

    async def script(socket: Socket) -> None:
        await socket.echo("before")
        await asyncio.to_thread(ENDINGS[how], ending)
        assert await socket.hear() == {"type": "websocket.close", "code": 1008}

    ending.house.stay(ending.secret, script)
    assert ending.house.inside.left == ["/_stcore/stream"]


@pytest.fixture(name="looked")
def looked_fixture(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Is released at each look for a session, which happens all the time."""
    monkeypatch.setattr(gate, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(browsers, "_TRUSTED_S", 0.0)
    looks, find = threading.Semaphore(0), BrowserSessions.find

    def looking(self: BrowserSessions, secret: str) -> object:
        found = find(self, secret)
        looks.release()
        return found

    monkeypatch.setattr(BrowserSessions, "find", looking)
    return looks


def test_an_open_socket_stays_with_the_session(ending: Ending, looked: threading.Semaphore) -> None:
    """Looking again and again takes nothing from it."""

    async def script(socket: Socket) -> None:
        for _ in range(4):
            assert await asyncio.to_thread(looked.acquire, timeout=LIMIT_S)
        assert socket.outgoing.empty()
        await socket.echo("after")

    ending.house.stay(ending.secret, script)


def test_when_nobody_can_tell_nobody_is_let_in(ending: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a database every door is shut, whatever the cookie."""

    def away(self: BrowserSessions, secret: str) -> None:
        raise Unavailable

    monkeypatch.setattr(BrowserSessions, "find", away)
    house, secret = ending.house, ending.secret
    assert [house.ask(path, secret).status for path in (*PAGES, *FILES)] == [503] * len([*PAGES, *FILES])
    assert not house.knock(secret=secret)
    assert house.ask("/api/settings", secret).status == 503
    assert house.inside.entered == []


def test_an_open_socket_outlives_an_outage(ending: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page itself says that the database is away; it need not be loaded again afterwards."""
    monkeypatch.setattr(gate, "_LOOK_EVERY_S", 0.02)
    looks = threading.Semaphore(0)

    def away(self: BrowserSessions, secret: str) -> None:
        looks.release()
        raise Unavailable

    async def script(socket: Socket) -> None:
        monkeypatch.setattr(BrowserSessions, "find", away)
        for _ in range(3):
            assert await asyncio.to_thread(looks.acquire, timeout=LIMIT_S)
        assert socket.outgoing.empty()
        await socket.echo("still here")

    ending.house.stay(ending.secret, script)


@pytest.mark.parametrize("path", ["/_stcore/health", "/api/health", "/sign-in", "/sign-in/style.css", "/auth/reset"])
def test_monitors_and_sign_in_are_open(house: House, path: str) -> None:
    """A monitor has no account, and whoever signs in has no session yet."""
    assert house.ask(path).status == 200
    assert house.inside.entered == (["/_stcore/health"] if path == "/_stcore/health" else [])


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get"])
def test_no_method_gets_around(house: House, method: str) -> None:
    """Uploads and preflights too."""
    for path in ("/", "/_stcore/upload_file/a/b", "/media/report.csv"):
        assert house.ask(path, method=method).status in (303, 403)
    assert house.inside.entered == []


TRICKS = [
    "//", "//_stcore/stream", "/./_stcore/stream", "/_stcore/../_stcore/stream", "/%5fstcore/stream", "/_STCORE/stream",
    "/_stcore/health/", "/_stcore/health/../stream", "/_stcore/health%00", "/_stcore/health;x", "/Sign-In",
    "/API/health", "/sign-in;/x", "/.", "/..", "/%2e%2e/", "/authx/login", "/sign-in%20", "/_stcore/healthx",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_no_spelling_gets_around(house: House, path: str) -> None:
    """A path that is open is open as it is written, and no other."""
    assert house.ask(path).status in (303, 403)
    assert not house.knock(path)
    assert house.inside.entered == []


@pytest.mark.parametrize(
    "path",
    ["/auth", "/auth/login", "/auth/logout", "/api", "/sign-in/a/b", "/sign-out/x", "/sign-in/../cost", "/auth/x"],
)
def test_what_is_open_is_ours(house: House, path: str) -> None:
    """Below our own paths, too, Streamlit answers nobody: it has /auth/login and a page for every path."""
    house.ask(path)
    assert house.inside.entered == []


@pytest.mark.parametrize("path", ["/auth/x", "/sign-in", "/sign-in/x", "/sign-out"])
def test_no_socket_is_open_to_all(house: House, path: str) -> None:
    """Signing in needs none."""
    house.knock(path)
    assert house.inside.entered == []


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


def test_below_a_path_the_same_is_shut(make_house: MakeHouse, new_person: NewPerson) -> None:
    """And what is open has that path in front."""
    house = make_house("console")
    for path in ("/console", "/console/", "/console/cost", "/consolex/sign-in", "/cost", "/console//api/settings"):
        assert house.ask(path).status == 303
    for path in ("/console/_stcore/host-config", "/console/media/x", "/console/metrics", "/_stcore/stream"):
        assert house.ask(path).status == 403
    assert not house.knock("/console/_stcore/stream")
    assert house.inside.entered == []
    assert house.ask("/console/_stcore/health").body == b"inside"
    assert house.ask("/console/cost?days=7").header("location") == "/console/sign-in?next=%2Fcost%3Fdays%3D7"

    form = {"email": new_person().email, "password": PASSWORD, "next": "/cost?days=7"}
    signed_in = house.ask("/console/sign-in", method="POST", form=form)
    assert signed_in.header("location") == "/console/cost?days=7"
    assert "Path=/console;" in str(signed_in.header("set-cookie"))
    assert house.ask("/console/cost", signed_in.session).body == b"inside"
    assert house.knock("/console/_stcore/stream", signed_in.session)
