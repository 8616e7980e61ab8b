"""A generation can be read again, in every state, by those whom it belongs to."""

from __future__ import annotations

from uuid import uuid4

import httpx
import psycopg

from orchestrator import Application
from orchestrator.simulator import Fault
from store.identity import LOCAL_PERSON_ID
from tests.conftest import PooledStore
from tests.hosted.api_rig import (
    BODY,
    ROUTE,
    STREAM,
    Models,
    Serve,
    api_fixture,
    bearer,
    console_fixture,
    desk_fixture,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
    token_of,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

NOBODYS = uuid4()


def test_a_generation_can_be_read_again(api: httpx.Client) -> None:
    """Its result is the one that was answered, digit by digit."""
    answer = api.post(ROUTE, json=BODY)
    again = api.get(f"/generations/{answer.json()['generation_id']}")

    assert again.json()["status"] == "succeeded"
    assert "problem" not in again.json()
    assert answer.text in again.text


def test_others_generations_look_like_none(serve: Serve, console: Application, store: PooledStore) -> None:
    """A token reads its own; another's answers exactly as one that does not exist; the admin reads all."""
    api = serve(console)
    mine, other = (bearer(token_of(store, "generate")) for _ in range(2))
    generation_id = api.post(ROUTE, json=BODY, headers=mine).json()["generation_id"]

    assert api.get(f"/generations/{generation_id}", headers=mine).status_code == 200
    assert api.get(f"/generations/{generation_id}").status_code == 200
    refused = api.get(f"/generations/{generation_id}", headers=other)
    assert problem_in(refused) == (404, "not_found")
    assert refused.text == api.get(f"/generations/{NOBODYS}", headers=other).text


def test_a_running_generation_has_no_result_yet(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """Its status is `running`, and later `succeeded`."""
    models.may_answer.clear()
    with api.stream("POST", ROUTE, json=BODY, headers=STREAM) as answer:
        lines = answer.iter_lines()
        next(lines)
        (generation_id,) = rows(owner, "select generation_id::text from public.workflows")
        assert api.get(f"/generations/{generation_id}").json() == {"generation_id": generation_id, "status": "running"}
        models.may_answer.set()
        assert "event: finished" in list(lines)

    assert api.get(f"/generations/{generation_id}").json()["status"] == "succeeded"


def test_a_failed_generation_says_why(api: httpx.Client, models: Models) -> None:
    """It has a problem in place of a result, with the sentence that was answered."""
    models.faults = {"openai": Fault.SERVER_ERROR, "anthropic": Fault.SERVER_ERROR}
    refused = api.post(ROUTE, json=BODY)
    generation_id = refused.json()["generation_id"]

    assert api.get(f"/generations/{generation_id}").json() == {
        "generation_id": generation_id,
        "status": "failed",
        "problem": {"code": "generation_failed", "detail": refused.json()["detail"]},
    }


def test_an_erased_workflow_is_gone(api: httpx.Client, store: PooledStore) -> None:
    """Its texts were erased on request: 410, also for a repetition of the request that made it."""
    key = {"idempotency-key": "order-7"}
    result = api.post(ROUTE, json=BODY, headers=key).json()
    store.person().call("erase_texts", p_actor=LOCAL_PERSON_ID)

    assert problem_in(api.get(f"/generations/{result['generation_id']}")) == (410, "text_erased")
    assert problem_in(api.post(ROUTE, json=BODY, headers=key)) == (410, "text_erased")
