"""A project that does not answer, or answers as something else."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from store import StoreError, Unavailable
from store.embedded import cluster, connections
from store.embedded import database as embedded
from store.embedded.cluster import Cluster
from store.hosted import supabase
from store.identity import Identity
from tests.database.conftest import MakeSupabaseStore
from tests.database.gateway import Person, serving
from tests.database.sides import ENGINEER


@pytest.mark.parametrize("person", [ENGINEER, None], ids=str)
def test_a_project_that_is_down_is_unavailable_at_once(
    make_supabase_store: MakeSupabaseStore, person: Person | None
) -> None:
    """A refused connection is reported without waiting and retrying."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        database = make_supabase_store(_address(silent)).database(person.login if person else None)
        started = time.monotonic()
        with pytest.raises(Unavailable, match="SUPABASE_URL"):
            database.call("whoami")
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("person", [ENGINEER, None], ids=str)
def test_a_project_that_never_answers_is_unavailable_at_the_limit(
    make_supabase_store: MakeSupabaseStore, monkeypatch: pytest.MonkeyPatch, person: Person | None
) -> None:
    """A silent connection ends at the time limit, for signing in as well as for calls."""
    monkeypatch.setattr(supabase, "_TIME_LIMITS", httpx.Timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = make_supabase_store(_address(silent)).database(person.login if person else None)
        started = time.monotonic()
        with pytest.raises(Unavailable, match="SUPABASE_URL"):
            database.call("whoami")
        assert time.monotonic() - started < 2


def test_an_embedded_server_that_is_gone_is_unavailable_at_the_limit(
    server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for a connection ends with a message about the embedded database."""
    monkeypatch.setattr(connections, "_WAIT_LIMIT_S", 0.2)
    monkeypatch.setattr(connections, "_LOOK_AFTER_S", 0.1)
    with connections.Connections(server.dsn(cluster.AUTHENTICATOR, "no_such_database")) as pool:
        database = embedded.EmbeddedDatabase(pool, Identity(ENGINEER.user_id))
        with pytest.raises(Unavailable, match="embedded database"):
            database.call("whoami")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer from something other than Supabase at its URL."""

    name: str
    status: int
    body: str
    media_type: str = "text/html"


ANSWERS = [
    Answer("sign-in page of a network", 200, "<html>Welcome to the hotel</html>"),
    Answer("JSON of something else", 200, "{}", "application/json"),
    Answer("nothing", 200, ""),
    Answer("redirect", 302, ""),
    Answer("not found", 404, "<html>"),
    Answer("too many requests", 429, '{"code": 429, "error_code": "over_request_rate_limit"}', "application/json"),
    Answer("server error", 500, "<html>"),
    Answer("server error in JSON", 500, '{"code": 500, "error_code": "unexpected_failure"}', "application/json"),
    Answer("bad gateway", 502, "<html>"),
    Answer("paused project", 540, "<html>"),
]


# All but the one that cannot be distinguished from data.
NO_DATA = [number for number, answer in enumerate(ANSWERS) if answer.name != "JSON of something else"]


@pytest.fixture(name="elsewhere", scope="module")
def elsewhere_fixture() -> Iterator[str]:
    """A URL where each of the answers above is given below `/<number>`."""

    def respond(request: Request) -> Response:
        answer = ANSWERS[request.path_params["number"]]
        return Response(answer.body, answer.status, media_type=answer.media_type)

    with serving(Starlette(routes=[Route("/{number:int}/{path:path}", respond, methods=["POST"])])) as url:
        yield url


@pytest.mark.parametrize("number", range(len(ANSWERS)), ids=[answer.name for answer in ANSWERS])
def test_a_sign_in_that_was_not_decided_is_unavailable(
    elsewhere: str, make_supabase_store: MakeSupabaseStore, number: int
) -> None:
    """Only Auth's own refusal blames the password; anything else is a problem of the project."""
    database = make_supabase_store(f"{elsewhere}/{number}").database(ENGINEER.login)
    with pytest.raises(Unavailable) as caught:
        database.call("whoami")
    assert ENGINEER.login.password not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("number", NO_DATA, ids=[ANSWERS[number].name for number in NO_DATA])
def test_an_answer_of_something_else_is_unavailable(
    elsewhere: str, make_supabase_store: MakeSupabaseStore, number: int
) -> None:
    """A proxy's page is never taken for data, nor its status for one of the database's."""
    with pytest.raises(Unavailable):
        make_supabase_store(f"{elsewhere}/{number}").database(None).call("whoami")


@pytest.mark.parametrize("address", ["", "nonsense", "http://", "http://[", "ftp://example.com"])
def test_an_address_that_is_none_is_unavailable(make_supabase_store: MakeSupabaseStore, address: str) -> None:
    """A mistyped SUPABASE_URL is reported by its name."""
    with pytest.raises(Unavailable, match="SUPABASE_URL"):
        make_supabase_store(address).database(None).call("whoami")


@pytest.mark.parametrize("person", [ENGINEER, None], ids=str)
def test_a_wrong_key_is_told_by_its_name(
    url: str, make_supabase_store: MakeSupabaseStore, person: Person | None
) -> None:
    """A mistyped SUPABASE_KEY is reported neither as an unavailable database nor as a wrong password."""
    store = make_supabase_store(url, "sb_publishable_of-another-project")
    with pytest.raises(StoreError, match="SUPABASE_KEY"):
        store.database(person.login if person else None).call("probe_caller")


def _address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
