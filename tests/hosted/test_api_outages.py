"""While the database is away nothing new is begun, and nothing that was paid for is lost."""

from __future__ import annotations

from pathlib import Path

import httpx
import psycopg
import pytest

from orchestrator import Application
from store import Unavailable, clock
from tests.conftest import MakeApplication
from tests.database.gateway import serving
from tests.hosted.api_rig import (
    BODY,
    READS,
    ROUTE,
    STREAM,
    AwayStore,
    Models,
    Serve,
    api_fixture,
    app_of,
    away_store_fixture,
    bearer,
    client_of,
    console_fixture,
    desk_fixture,
    events_in,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
    token_of,
)

__all__ = ["api_fixture", "away_store_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]


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
