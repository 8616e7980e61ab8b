"""An idempotency key is for one request of one caller, and a refused request does not use it up."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.hosted.api_rig import (
    BODY,
    KEY,
    ROUTE,
    STREAM,
    AwayStore,
    Models,
    api_fixture,
    away_store_fixture,
    bearer,
    console_fixture,
    desk_fixture,
    events_in,
    models_fixture,
    problem_in,
    serve_fixture,
    token_of,
)

__all__ = ["api_fixture", "away_store_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Post new orders to Slack"},
        {"services": ["Slack"]},
        {"services": []},
        {"agent_id": "agent-2"},
        {"agent_id": None},
    ],
    ids=str,
)
def test_a_key_is_for_one_request(api: httpx.Client, models: Models, other: dict[str, Any]) -> None:
    """With another body, it is refused with 422, plainly and as a stream, and the first request keeps its answer."""
    first = api.post(ROUTE, json=BODY, headers=KEY)
    body = BODY | other
    refused = api.post(ROUTE, json=body, headers=KEY)
    streamed = events_in(api.post(ROUTE, json=body, headers=KEY | STREAM).text)

    assert problem_in(refused) == (422, "idempotency_key_reused")
    assert [(name, data["code"]) for name, data in streamed] == [("problem", "idempotency_key_reused")]
    assert models.requests == 1
    assert api.post(ROUTE, json=BODY, headers=KEY).content == first.content


def test_each_caller_has_keys_of_their_own(api: httpx.Client, models: Models, store: AwayStore) -> None:
    """The same key of another caller is another request, with an answer and a bill of its own."""
    callers = [{}, *(bearer(token_of(store, "generate")) for _ in range(2))]
    answers = [api.post(ROUTE, json=BODY, headers=KEY | caller) for caller in callers]
    again = [api.post(ROUTE, json=BODY, headers=KEY | caller) for caller in callers]

    assert len({answer.json()["generation_id"] for answer in answers}) == 3
    assert [answer.content for answer in again] == [answer.content for answer in answers]
    assert models.requests == 3


def test_two_keys_are_two_requests(api: httpx.Client, models: Models) -> None:
    """Keys differ in every character."""
    keys = ("order-7", "order-8", "Order-7", "order-7~", "o" * 200)
    ids = {api.post(ROUTE, json=BODY, headers={"idempotency-key": key}).json()["generation_id"] for key in keys}

    assert len(ids) == models.requests == len(keys)


@pytest.mark.parametrize("key", [b"", b"two words", b"k" * 201, b"\xc3\xbc", b"a\tb"])
def test_a_key_that_is_none(api: httpx.Client, models: Models, key: bytes) -> None:
    """It is refused with 422 instead of being ignored, which would cost money."""
    refused = api.post(ROUTE, json=BODY, headers=[(b"idempotency-key", key)])

    assert problem_in(refused) == (422, "invalid_request")
    assert models.requests == 0


def test_a_refused_request_does_not_use_its_key_up(api: httpx.Client, models: Models, store: AwayStore) -> None:
    """Neither one that is invalid, nor one for which the database was away."""
    assert problem_in(api.post(ROUTE, json={"prompt": " "}, headers=KEY))[0] == 422
    for away in ("get_settings", "start_generation"):
        store.away |= {away}
        assert problem_in(api.post(ROUTE, json=BODY, headers=KEY))[0] == 503
        store.away.clear()
    answers = [api.post(ROUTE, json=BODY, headers=KEY) for _ in range(2)]

    assert answers[0].status_code == 200
    assert answers[0].content == answers[1].content
    assert models.requests == 1
