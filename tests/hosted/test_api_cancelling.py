"""A caller who leaves: without a key the generation is cancelled, with one it goes on."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from orchestrator import Application
from tests.cluster.conftest import eventually
from tests.conftest import PooledStore
from tests.hosted.api_rig import (
    BODY,
    KEY,
    LIMIT_S,
    ROUTE,
    STREAM,
    Models,
    api_fixture,
    console_fixture,
    desk_fixture,
    events_in,
    exactly,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

STATUS = "select status from public.workflows"
ENDINGS = "select action from public.audit_logs where action like 'WORKFLOW_GENERAT%%' order by action"


@contextmanager
def asking(api: httpx.Client, **headers: str) -> Iterator[socket.socket]:
    """A connection of its own on which a generation was asked for; leaving the block hangs up."""
    address = urlsplit(str(api.base_url))
    body = json.dumps(BODY)
    lines = [
        f"POST {address.path.rstrip('/')}{ROUTE} HTTP/1.1",
        f"Host: {address.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    with socket.create_connection((address.hostname, address.port), timeout=LIMIT_S) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        yield line


@pytest.fixture(name="models")
def waiting_models_fixture() -> Models:
    """Models that answer only once they may."""
    models = Models()
    models.may_answer.clear()
    return models


def test_a_caller_who_hangs_up_cancels(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """The generation ends as cancelled with its event and its estimate, and no model goes on answering."""
    with asking(api):
        assert models.asked.wait(LIMIT_S)

    assert eventually(lambda: rows(owner, STATUS) == ["cancelled"])
    assert rows(owner, ENDINGS) == ["WORKFLOW_GENERATION_CANCELLED"]
    assert rows(owner, "select cost_usd > 0 from public.workflows") == [True]
    assert models.requests == 0
    (generation_id,) = rows(owner, "select generation_id::text from public.workflows")
    read = api.get(f"/generations/{generation_id}").json()
    assert (read["status"], read["problem"]["code"]) == ("cancelled", "generation_cancelled")


def test_a_reader_of_events_who_hangs_up_cancels(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """The stream is closed after its first event: cancelled as well."""
    with api.stream("POST", ROUTE, json=BODY, headers=STREAM) as answer:
        lines = answer.iter_lines()  # kept: without it, httpx hangs up at once
        assert next(lines) == "event: attempt_started"
        assert rows(owner, STATUS) == ["running"]

    assert eventually(lambda: rows(owner, STATUS) == ["cancelled"])
    assert rows(owner, ENDINGS) == ["WORKFLOW_GENERATION_CANCELLED"]


def test_with_a_key_it_goes_on(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """The caller hangs up, the model answers later, and the same request gets the result without a second bill."""
    with asking(api, **KEY):
        assert models.asked.wait(LIMIT_S)
    # Another request on the same server: by the time it is answered, the hang-up was noticed.
    assert api.get("/settings").status_code == 200
    models.may_answer.set()
    first, second = (api.post(ROUTE, json=BODY, headers=KEY) for _ in range(2))

    assert first.status_code == 200
    assert first.content == second.content
    assert models.requests == 1
    assert rows(owner, "select status, cost_usd from public.workflows") == [("succeeded", exactly(first)["cost_usd"])]
    assert rows(owner, ENDINGS) == ["WORKFLOW_GENERATED"]


def test_with_a_key_a_stream_goes_on_too(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """Its reader leaves, and the same request gets the result, plainly or as the last event."""
    with api.stream("POST", ROUTE, json=BODY, headers=STREAM | KEY) as answer:
        lines = answer.iter_lines()  # kept: without it, httpx hangs up at once
        assert next(lines) == "event: attempt_started"
    assert api.get("/settings").status_code == 200
    models.may_answer.set()
    plain = api.post(ROUTE, json=BODY, headers=KEY)
    streamed = events_in(api.post(ROUTE, json=BODY, headers=STREAM | KEY).text)

    assert plain.status_code == 200
    assert streamed == [("finished", exactly(plain))]
    assert models.requests == 1
    assert rows(owner, ENDINGS) == ["WORKFLOW_GENERATED"]


def test_a_repetition_waits_for_the_first(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """It is sent while the model still thinks; both get the same answer."""
    with asking(api, **KEY, Connection="close") as first:
        assert models.asked.wait(LIMIT_S)
        with asking(api, **KEY, Connection="close") as second:
            models.may_answer.set()
            answers = [read_to_the_end(line) for line in (first, second)]

    assert all(answer.startswith("HTTP/1.1 200 OK") for answer in answers)
    first_body, second_body = (answer.partition("\r\n\r\n")[2] for answer in answers)
    assert first_body == second_body
    assert rows(owner, STATUS) == ["succeeded"]


def read_to_the_end(line: socket.socket) -> str:
    """Everything that arrives until the other side hangs up."""
    pieces = []
    while piece := line.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces).decode()


def test_a_repetition_does_not_wait_for_ever(
    api: httpx.Client, models: Models, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the first request still runs after the longest wait, it is told to ask again, and gets the result then."""
    monkeypatch.setattr("server.api.repetition._WAIT_S", 0.0)
    with asking(api, **KEY):
        assert models.asked.wait(LIMIT_S)
        refused = api.post(ROUTE, json=BODY, headers=KEY)
        streamed = events_in(api.post(ROUTE, json=BODY, headers=KEY | STREAM).text)
        models.may_answer.set()
        assert eventually(lambda: rows(owner, STATUS) == ["succeeded"])

    assert problem_in(refused) == (409, "request_in_progress")
    assert int(refused.headers["retry-after"]) > 0
    assert [(name, data["code"]) for name, data in streamed] == [("problem", "request_in_progress")]
    assert api.post(ROUTE, json=BODY, headers=KEY).status_code == 200


def test_closing_the_console_ends_what_runs(
    api: httpx.Client, console: Application, models: Models, owner: psycopg.Connection
) -> None:
    """It is recorded as cancelled; with a key, the same request is told so from then on."""
    with asking(api, **KEY, Connection="close") as line:
        assert models.asked.wait(LIMIT_S)
        console.orchestrator.close()
        answer = read_to_the_end(line)

    assert answer.startswith("HTTP/1.1 409 Conflict")
    assert json.loads(answer.partition("\r\n\r\n")[2])["code"] == "generation_cancelled"
    assert rows(owner, STATUS) == ["cancelled"]
    models.may_answer.set()
    again = [api.post(ROUTE, json=BODY, headers=KEY) for _ in range(2)]
    assert [problem_in(each) for each in again] == [(409, "generation_cancelled")] * 2
    assert again[0].text == again[1].text == answer.partition("\r\n\r\n")[2]


def test_hanging_up_after_the_end_changes_nothing(
    api: httpx.Client, models: Models, store: PooledStore, owner: psycopg.Connection
) -> None:
    """A workflow that was complete stays a success."""
    models.may_answer.set()
    with asking(api) as line:
        assert line.recv(12) == b"HTTP/1.1 200"

    assert api.get("/settings").status_code == 200
    assert rows(owner, STATUS) == ["succeeded"]
    assert rows(owner, ENDINGS) == ["WORKFLOW_GENERATED"]
