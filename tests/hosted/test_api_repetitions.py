"""The repetition of a request gets the same answer, and is paid and recorded once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from orchestrator import Application
from orchestrator.simulator import Fault
from store import clock
from tests.conftest import MakeApplication
from tests.hosted.api_rig import (
    BODY,
    KEY,
    LIMIT_S,
    ROUTE,
    STREAM,
    AwayStore,
    Models,
    Serve,
    api_fixture,
    away_store_fixture,
    console_fixture,
    desk_fixture,
    events_in,
    exactly,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
)

__all__ = ["api_fixture", "away_store_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

ENDINGS = """
select action from public.audit_logs where action like 'WORKFLOW_GENERAT%' and action not like '%FALLBACK' order by 1
"""


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        ({}, 200),
        ({"openai": Fault.BAD_STEP}, 200),
        ({"openai": Fault.CUT_STREAM}, 200),
        ({"openai": Fault.SERVER_ERROR, "anthropic": Fault.RATE_LIMIT_IN_STREAM}, 502),
        ({"openai": Fault.TRUNCATED, "anthropic": Fault.REFUSED}, 502),
    ],
    ids=str,
)
def test_a_repetition_gets_the_same_bytes(
    api: httpx.Client, models: Models, owner: psycopg.Connection, faults: dict[Any, Fault], status: int
) -> None:
    """Whatever came of the first request, and whatever the models would answer now; nothing more is asked or paid."""
    models.faults = dict(faults)
    first = api.post(ROUTE, json=BODY, headers=KEY)
    asked = models.requests
    models.faults = {}
    again = [api.post(ROUTE, json=BODY, headers=KEY) for _ in range(3)]

    assert first.status_code == status
    assert {answer.status_code for answer in again} == {status}
    assert {answer.content for answer in again} == {first.content}
    assert models.requests == asked
    ((cost,),) = owner.execute("select cost_usd from public.workflows").fetchall()
    assert cost == sum(attempt["cost_usd"] for attempt in exactly(first)["attempts"])
    assert len(rows(owner, ENDINGS)) == 1


def test_a_repetition_survives_a_change_of_settings(api: httpx.Client, store: AwayStore) -> None:
    """What the next generation would use is of no importance."""
    first = api.post(ROUTE, json=BODY, headers=KEY)
    store.person().call("save_settings", p_changes={"orchestrator_primary_model": "claude-sonnet-4"})

    assert api.post(ROUTE, json=BODY, headers=KEY).content == first.content


def test_a_repetition_needs_no_usable_settings(api: httpx.Client, owner: psycopg.Connection) -> None:
    """Somebody broke a system key by hand: nothing new can be generated, but what was generated can be said again."""
    first = api.post(ROUTE, json=BODY, headers=KEY)
    owner.execute("update public.system_settings_config set value = '7' where key = 'orchestrator_primary_model'")
    assert api.post(ROUTE, json=BODY).json()["code"] == "invalid_settings"

    assert api.post(ROUTE, json=BODY, headers=KEY).content == first.content


def test_a_repetition_as_a_stream(api: httpx.Client, models: Models) -> None:
    """It tells the result, or the problem, at once."""
    plain = api.post(ROUTE, json=BODY, headers=KEY)
    models.faults = {"openai": Fault.EMPTY, "anthropic": Fault.EMPTY}
    refused = api.post(ROUTE, json=BODY, headers={"idempotency-key": "order-8"})
    streams = [
        events_in(api.post(ROUTE, json=BODY, headers=STREAM | {"idempotency-key": key}).text)
        for key in ("order-7", "order-8")
    ]

    assert streams == [[("finished", exactly(plain))], [("problem", exactly(refused))]]


def test_the_first_request_may_be_the_stream(api: httpx.Client, models: Models) -> None:
    """The plain repetition gets the result that the stream ended with."""
    told = events_in(api.post(ROUTE, json=BODY, headers=STREAM | KEY).text)

    assert told[-1] == ("finished", exactly(api.post(ROUTE, json=BODY, headers=KEY)))
    assert models.requests == 1


@pytest.mark.parametrize("added", [{"agent_id": None}, {}], ids=str)
def test_a_new_agent_is_one_agent(api: httpx.Client, added: dict[str, Any]) -> None:
    """Without an agent the first request makes one, and its repetition names the same."""
    body = {name: value for name, value in BODY.items() if name != "agent_id"} | added
    first, second = (api.post(ROUTE, json=body, headers=KEY) for _ in range(2))

    assert first.status_code == 200
    assert first.content == second.content


def test_space_around_a_request_means_nothing(api: httpx.Client) -> None:
    """It is removed before anything is compared."""
    first = api.post(ROUTE, json=BODY, headers=KEY)
    body = {"prompt": f" {BODY['prompt']}\n", "services": [" Slack", "Jira ", "Slack"], "agent_id": " agent-1 "}

    assert api.post(ROUTE, json=body, headers=KEY).content == first.content


def test_twenty_at_once(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """One of them generates, all get its answer."""
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: api.post(ROUTE, json=BODY, headers=KEY), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert models.requests == 1
    assert rows(owner, "select count(*) from public.workflows") == [1]
    assert rows(owner, ENDINGS) == ["WORKFLOW_GENERATED"]


def test_a_repetition_that_the_database_did_not_hear(
    api: httpx.Client, console: Application, models: Models, store: AwayStore, owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It is sent while the first request runs, needs no start of its own, and gets the same answer."""
    monkeypatch.setattr("orchestrator.recording.delivery._FIRST_PAUSE_S", 0.01)
    models.may_answer.clear()
    with ThreadPoolExecutor(2) as threads:
        answering = threads.submit(api.post, ROUTE, json=BODY, headers=KEY)
        assert models.asked.wait(LIMIT_S)
        store.away |= {"start_generation"}
        repeated = threads.submit(api.post, ROUTE, json=BODY, headers=KEY)
        models.may_answer.set()
        answer = answering.result(LIMIT_S)
        assert repeated.result(LIMIT_S).content == answer.content

    assert console.orchestrator.outbox().waiting == 0
    paid_once(owner, answer)


def test_a_start_that_failed_elsewhere(
    serve: Serve, make_application: MakeApplication, models: Models, store: AwayStore, owner: psycopg.Connection,
    tmp_path: Path,
) -> None:  # fmt: skip
    """One host could not record the start; its database comes back while another host answers the same request."""

    def host(name: str) -> Application:
        folder = {"ORCHESTRATOR_DATA_DIR": str(tmp_path / name)}
        return make_application(transport=models, now=clock.system, environment=folder)

    first, second = serve(host("first")), serve(host("second"))
    store.away |= {"start_generation"}
    assert problem_in(first.post(ROUTE, json=BODY, headers=KEY)) == (503, "store_unavailable")
    store.away.clear()
    models.may_answer.clear()
    with ThreadPoolExecutor(1) as threads:
        answering = threads.submit(second.post, ROUTE, json=BODY, headers=KEY)
        assert models.asked.wait(LIMIT_S)
        assert host("first").orchestrator.outbox().waiting == 0
        models.may_answer.set()
        answer = answering.result(LIMIT_S)

    paid_once(owner, answer)
    assert second.post(ROUTE, json=BODY, headers=KEY).content == answer.content


def paid_once(owner: psycopg.Connection, answer: httpx.Response) -> None:
    """Assert that the database has one generation, with the cost that was answered and one event for its end."""
    assert answer.status_code == 200
    assert rows(owner, "select status, cost_usd from public.workflows") == [("succeeded", exactly(answer)["cost_usd"])]
    assert rows(owner, ENDINGS) == ["WORKFLOW_GENERATED"]
