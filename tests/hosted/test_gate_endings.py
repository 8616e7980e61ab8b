"""However a session ends, the gate turns its owner away and closes their WebSocket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest

from server import gate
from store import Unavailable
from store.hashed import sha256_of
from store.hosted import browsers
from store.hosted.browsers import BrowserSessions
from tests.hosted.house import FILES, LIMIT_S, PAGES, House, Socket, check_turned_away
from tests.hosted.project import NewPerson
from tests.supabase_auth import User

_FAR = datetime(2199, 1, 1, tzinfo=UTC)


@pytest.fixture(name="_looks_each_time")
def looks_each_time_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that has ended is noticed at once, not within seconds."""
    monkeypatch.setattr(browsers, "_TRUSTED_S", 0.0)


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
