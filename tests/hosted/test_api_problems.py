"""Every error of the API is a problem document (RFC 9457) with a stable code."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from orchestrator.simulator import Fault
from tests.conftest import PooledStore
from tests.hosted.api_rig import (
    BODY,
    NOBODYS,
    READS,
    ROUTE,
    Models,
    api_fixture,
    bearer,
    console_fixture,
    desk_fixture,
    exactly,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
    token_of,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

NO_JWT = b"Bearer eyJhbGciOiJub25lIn0.e30."


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
