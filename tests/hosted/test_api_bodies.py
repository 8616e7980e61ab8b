"""Bodies that are too large, or not what the route expects, are refused and not repeated."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.hosted.api_rig import (
    ROUTE,
    Models,
    api_fixture,
    console_fixture,
    desk_fixture,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

JSON = {"content-type": "application/json"}
MEGABYTE = 2**20
SECRET = "what nobody may find in a log"
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
