"""Every error of the API is a problem document (RFC 9457) with a stable code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from orchestrator import Application
from orchestrator.simulator import Fault
from store import Unavailable, clock
from tests.conftest import MakeApplication, PooledStore
from tests.database.gateway import serving
from tests.hosted.api_rig import (
    BODY,
    ROUTE,
    STREAM,
    AwayStore,
    Models,
    Serve,
    api_fixture,
    app_of,
    bearer,
    client_of,
    console_fixture,
    desk_fixture,
    events_in,
    exactly,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
    token_of,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

JSON = {"content-type": "application/json"}
MEGABYTE = 2**20
SECRET = "what nobody may find in a log"
NOBODYS = "00000000-0000-4000-8000-00000000000a"
READS = ("/settings", "/report", "/audit-events", f"/generations/{NOBODYS}", "/openapi.json")
NO_JWT = b"Bearer eyJhbGciOiJub25lIn0.e30."
BAD_BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"prompt": ""}',
    b'{"prompt": "  \\n "}',
    b'{"prompt": 7}',
    b'{"prompt": NaN}',
    b'{"prompt": "x", "services": "Slack"}',
    b'{"prompt": "x", "services": [""]}',
    b'{"prompt": "x", "services": [" "]}',
    b'{"prompt": "x", "agent_id": ""}',
    b'{"prompt": "x", "agent_id": "a\\u0007"}',
    b'{"prompt": "a\\ud800"}',
    b'{"prompt": "a\\u0000"}',
    b'{"prompt": "x", "user_id": "somebody else"}',
    b'{"prompt": "' + b"x" * 20_001 + b'"}',
    b'{"prompt": "x", "services": [' + b", ".join(b'"s%d"' % number for number in range(51)) + b"]}",
)


@pytest.mark.parametrize(
    "sent", [b"", b"Bearer", b"Basic dXNlcjpwYXNz", b"bearer oc_unknown", b"Bearer oc_f\xc3\xbcr", NO_JWT]
)
def test_a_token_that_is_none(api: httpx.Client, sent: bytes) -> None:
    """Every route refuses it with 401, and says which kind of token it takes."""
    for route in READS:
        refused = api.get(route, headers=[(b"authorization", sent)])
        assert problem_in(refused) == (401, "not_signed_in"), route
        assert refused.headers["www-authenticate"] == "Bearer"


def test_what_a_token_may_not_do(api: httpx.Client, store: PooledStore, owner: psycopg.Connection) -> None:
    """It is refused with 403, and nothing was asked or recorded."""
    refused = api.post(ROUTE, json=BODY, headers=bearer(token_of(store, "report")))

    assert problem_in(refused) == (403, "not_permitted")
    assert "generate" in refused.json()["detail"]
    assert rows(owner, "select count(*) from public.workflows") == [0]


def test_there_is_no_such_route(api: httpx.Client) -> None:
    """Wherever it would be, the answer is 404."""
    for path in ("", "/", "/nothing", "/generations", f"/generations/{NOBODYS}/steps"):
        assert problem_in(api.get(path)) == (404, "not_found"), path


def test_a_route_has_its_methods(api: httpx.Client) -> None:
    """Any other is refused with 405 and the one it has."""
    for method, path, allowed in (
        ("GET", ROUTE, "POST"),
        ("DELETE", "/settings", "GET"),
        ("PUT", f"/generations/{NOBODYS}", "GET"),
        ("PATCH", "/report", "GET"),
    ):
        refused = api.request(method, path)
        assert problem_in(refused) == (405, "method_not_allowed"), path
        assert refused.headers["allow"] == allowed


def test_a_route_names_all_its_methods(api: httpx.Client) -> None:
    """`/audit-events` can be read and written."""
    refused = api.delete("/audit-events")

    assert problem_in(refused) == (405, "method_not_allowed")
    assert refused.headers["allow"].replace(" ", "").split(",") == ["GET", "POST"]


def pieces(count: int) -> Iterator[bytes]:
    """A body of unannounced length, this many megabytes."""
    for _ in range(count):
        yield b" " * MEGABYTE


def test_a_request_of_five_megabytes(api: httpx.Client) -> None:
    """It is refused with 413, whatever it holds."""
    refused = api.post(ROUTE, content=b" " * (5 * MEGABYTE), headers=JSON)

    assert problem_in(refused) == (413, "request_too_large")


def test_a_request_of_five_megabytes_that_does_not_say_so(api: httpx.Client) -> None:
    """In chunks, it is refused with 413 as well."""
    refused = api.post(ROUTE, content=pieces(5), headers=JSON)

    assert problem_in(refused) == (413, "request_too_large")


def test_a_request_of_three_megabytes_is_read(api: httpx.Client) -> None:
    """The limit is not below what it says."""
    assert problem_in(api.post(ROUTE, content=pieces(3), headers=JSON)) == (422, "invalid_request")


def test_a_request_that_is_not_what_the_route_expects(
    api: httpx.Client, models: Models, owner: psycopg.Connection
) -> None:
    """It is refused with 422, no model is asked, and no row is left."""
    for body in BAD_BODIES:
        assert problem_in(api.post(ROUTE, content=body, headers=JSON)) == (422, "invalid_request"), body[:60]
    assert models.requests == 0
    assert rows(owner, "select count(*) from public.workflows") == [0]


@pytest.mark.parametrize("body", [b"\xff", b"[" * 100_000, b'{"prompt": ' + b"1" * 5_000 + b"}"])
def test_a_body_that_no_parser_reads(api: httpx.Client, body: bytes) -> None:
    """No UTF-8, endless nesting, an endless number: a problem with a status that the description names."""
    described = api.get("/openapi.json").json()["paths"][ROUTE]["post"]["responses"]
    status, code = problem_in(api.post(ROUTE, content=body, headers=JSON))

    assert code == "invalid_request"
    assert str(status) in described


@pytest.mark.parametrize(
    "body", [{"prompt": 7, "secret": SECRET}, {"prompt": "x", "agent_id": SECRET * 9}, {"prompt": [SECRET]}]
)
def test_a_refusal_repeats_no_value(api: httpx.Client, body: dict[str, object]) -> None:
    """Its errors name the fields and the rules, not what people typed."""
    refused = api.post(ROUTE, json=body)

    assert problem_in(refused) == (422, "invalid_request")
    assert {error["path"].split(".")[0] for error in refused.json()["errors"]} == {"body"}
    assert SECRET not in refused.text


def test_too_many_requests_of_a_token(api: httpx.Client, store: PooledStore, owner: psycopg.Connection) -> None:
    """Beyond its limit it is refused with 429 until the minute is over; another token is not."""
    limited, other = (bearer(token_of(store, "report", per_minute=limit)) for limit in (3, 100))
    # If a minute begins meanwhile, each of the two has at most three.
    answers = [api.get("/settings", headers=limited) for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code != 200]

    assert len(answers) - len(refused) in range(3, 7)
    for answer in refused:
        assert problem_in(answer) == (429, "too_many_requests")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert api.get("/settings", headers=other).status_code == 200
    owner.execute("update private.request_minutes set minute = minute - interval '1 minute'")
    assert api.get("/settings", headers=limited).status_code == 200


def test_no_model_has_an_answer(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """502 with both attempts, what they cost, and the id under which they were recorded."""
    models.faults = {"openai": Fault.NOT_JSON, "anthropic": Fault.REFUSED}
    refused = api.post(ROUTE, json=BODY)
    document = exactly(refused)

    assert problem_in(refused) == (502, "generation_failed")
    assert [attempt["outcome"] for attempt in document["attempts"]] == ["validation_failed", "validation_failed"]
    costs = [attempt["cost_usd"] for attempt in document["attempts"]]
    assert all(cost > 0 for cost in costs)
    assert rows(owner, "select generation_id::text, status, cost_usd from public.workflows") == [
        (document["generation_id"], "failed", sum(costs))
    ]


def test_without_a_second_model_there_is_one_attempt(api: httpx.Client, models: Models, store: PooledStore) -> None:
    """The settings say so, and the problem lists it alone."""
    store.person().call("save_settings", p_changes={"orchestrator_enable_fallback": False})
    models.faults = {"openai": Fault.SERVER_ERROR}
    refused = api.post(ROUTE, json=BODY)

    assert problem_in(refused) == (502, "generation_failed")
    assert [attempt["model"] for attempt in refused.json()["attempts"]] == ["gpt-4o-mini"]


@pytest.fixture(name="store")
def store_fixture(store: PooledStore, monkeypatch: pytest.MonkeyPatch) -> AwayStore:
    """This module's store can be made unavailable; nothing is delivered in the background."""
    monkeypatch.setattr("orchestrator.recording.delivery._FIRST_PAUSE_S", 3600.0)
    return AwayStore(store)


def test_the_database_is_away(api: httpx.Client, store: AwayStore) -> None:
    """Every route answers 503 with the number of seconds after which to try again."""
    token = token_of(store, "report", "generate")
    store.away |= {"*"}
    for route in READS:
        for headers in ({}, bearer(token), bearer("oc_unknown")):
            refused = api.get(route, headers=headers)
            assert problem_in(refused) == (503, "store_unavailable"), route
            assert int(refused.headers["retry-after"]) > 0


@pytest.mark.parametrize("away", ["admit_request", "get_settings", "start_generation"])
def test_nothing_is_asked_without_a_database(api: httpx.Client, models: Models, store: AwayStore, away: str) -> None:
    """Neither plainly nor as a stream: what could not be recorded is not begun."""
    store.away |= {away}
    plain = api.post(ROUTE, json=BODY)
    streamed = api.post(ROUTE, json=BODY, headers=STREAM)

    assert problem_in(plain) == (503, "store_unavailable")
    if streamed.status_code == 200:
        ((name, document),) = events_in(streamed.text)
        assert (name, document["code"]) == ("problem", "store_unavailable")
    else:
        assert problem_in(streamed) == (503, "store_unavailable")
    assert models.requests == 0


def test_a_result_that_cannot_be_recorded_yet(api: httpx.Client, store: AwayStore, owner: psycopg.Connection) -> None:
    """It is answered all the same: its record waits on disk."""
    store.away |= {"finish_generation"}
    answer = api.post(ROUTE, json=BODY)

    assert answer.status_code == 200
    assert rows(owner, "select status from public.workflows") == ["running"]


def test_a_result_that_can_be_recorded_nowhere(
    serve: Serve, make_application: MakeApplication, models: Models, store: AwayStore, tmp_path: Path
) -> None:
    """503, and the problem carries the workflow that was paid for."""
    application: Application = make_application(transport=models, now=clock.system)
    api = serve(application)
    store.away |= {"finish_generation"}
    (tmp_path / "outbox").write_text("a file where the folder should be")
    refused = api.post(ROUTE, json=BODY)

    assert problem_in(refused) == (503, "recording_failed")
    assert len(refused.json()["result"]["pilot_steps"]) >= 3
    (tmp_path / "outbox").unlink()


def test_a_console_that_cannot_start() -> None:
    """503 as well: there is no application to ask."""

    def refuse() -> Application:
        raise Unavailable

    with serving(app_of(refuse)) as url, client_of(url) as client:
        assert problem_in(client.get("/settings")) == (503, "store_unavailable")
