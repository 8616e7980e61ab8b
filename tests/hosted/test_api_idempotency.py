"""The same request with the same key is paid and recorded once, and gets the same answer."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from orchestrator import Application
from orchestrator.simulator import Fault
from store import clock
from tests.cluster.conftest import eventually, sweep
from tests.conftest import MakeApplication, PooledStore, open_folder
from tests.generation.test_kills import OVERDUE
from tests.hosted.api_rig import (
    BODY,
    LIMIT_S,
    ROUTE,
    STREAM,
    AwayStore,
    Models,
    Serve,
    api_fixture,
    bearer,
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
from tests.hosted.server_processes import Hosts, Server, two_hosts
from tests.queries.conftest import differences

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

KEY = {"idempotency-key": "order-7"}
ENDINGS = """
select action from public.audit_logs where action like 'WORKFLOW_GENERAT%' and action not like '%FALLBACK' order by 1
"""


@pytest.fixture(name="store")
def store_fixture(store: PooledStore, monkeypatch: pytest.MonkeyPatch) -> AwayStore:
    """This module's store can be made unavailable; nothing is delivered in the background."""
    monkeypatch.setattr("orchestrator.recording.delivery._FIRST_PAUSE_S", 3600.0)
    return AwayStore(store)


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


@pytest.fixture(name="hosts", scope="module")
def hosts_fixture() -> Iterator[Hosts]:
    """Two processes of `python -m server` over one data folder."""
    for folder in open_folder():
        with two_hosts(folder) as hosts:
            yield hosts
        sweep(folder)


@pytest.fixture(name="waiting")
def waiting_fixture(hosts: Hosts) -> Hosts:
    """The two hosts, with models that wait."""
    hosts.models.requests.clear()
    hosts.released.clear()
    return hosts


def asked(server: Server, key: str) -> httpx.Response | None:
    """The answer to the request with this key; None if the server died meanwhile, or is not there."""
    with contextlib.suppress(httpx.TransportError):
        return server.client.post(ROUTE, json=BODY, headers={"idempotency-key": key})
    return None


def test_a_hundred_repetitions_while_a_host_dies(waiting: Hosts) -> None:
    """One host generates, the other is killed with half of the repetitions waiting, and comes back.

    Every answer is the same, and one generation is recorded and paid.
    """
    working, dying = waiting.servers
    with ThreadPoolExecutor(50) as threads:
        early = [threads.submit(asked, working, "dies-beside")]
        assert waiting.models.wait_for(1)
        early += [threads.submit(asked, waiting.servers[number % 2], "dies-beside") for number in range(49)]
        assert eventually(lambda: sum(server.connections() for server in waiting.servers) >= 50)
        dying.kill()
        waiting.released.set()
        waiting.restart(dying)
        late = [threads.submit(asked, waiting.servers[number % 2], "dies-beside") for number in range(51)]
        answers = [future.result() for future in early + late]

    came = [answer for answer in answers if answer is not None]
    assert len(came) >= 101 - 25
    assert {answer.status_code for answer in came} == {200}
    assert len({answer.content for answer in came}) == 1
    assert len(waiting.models.requests) == 1
    booked_once(waiting, exactly(came[0]), "succeeded", "WORKFLOW_GENERATED")


def test_a_hundred_repetitions_after_their_host_died(waiting: Hosts) -> None:
    """The host that generates is killed in the middle: from then on every answer says so, and its estimate is paid."""
    dying, other = waiting.servers
    with ThreadPoolExecutor(50) as threads:
        first = threads.submit(asked, dying, "dies-within")
        assert waiting.models.wait_for(1)
        early = [threads.submit(asked, waiting.servers[number % 2], "dies-within") for number in range(49)]
        assert eventually(lambda: sum(server.connections() for server in waiting.servers) >= 50)
        dying.kill()
        waiting.owner.execute(OVERDUE)
        waiting.restart(dying)
        late = [threads.submit(asked, server, "dies-within") for server in (other, dying) * 25]
        answers = [future.result() for future in early + late]
        waiting.released.set()

    assert first.result() is None
    came = [answer for answer in answers if answer is not None]
    assert len(came) >= 99 - 25
    assert {problem_in(answer) for answer in came} == {(409, "generation_cancelled")}
    assert len({answer.content for answer in came}) == 1
    assert len(waiting.models.requests) == 1
    booked_once(waiting, exactly(came[0]), "interrupted", "WORKFLOW_GENERATION_CANCELLED")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_a_hundred_repetitions_while_any_host_dies_at_any_moment(quick: Hosts, seed: int) -> None:
    """Whatever was answered is what is answered for good, and it is recorded and paid once."""
    chance, key = random.Random(seed), f"any-moment-{seed}"  # noqa: S311 - it only chooses moments
    quick.models.requests.clear()
    quick.released.clear()
    with ThreadPoolExecutor(25) as threads:
        tries = [threads.submit(asked, server, key) for server in quick.servers * 50]
        time.sleep(chance.uniform(0.0, 1.5))
        for server in chance.sample(quick.servers, chance.choice([1, 2])):
            server.kill()
            time.sleep(chance.uniform(0.0, 0.5))
            quick.released.set()
            quick.restart(server)
        came = [answer for each in tries if (answer := each.result()) is not None]
    final = [asked(server, key) for server in quick.servers]

    answers = [answer for answer in [*came, *final] if answer is not None]
    assert len(answers) >= 2
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert answers[0].status_code == 200 or problem_in(answers[0]) == (409, "generation_cancelled")
    ending = (
        ("succeeded", "WORKFLOW_GENERATED")
        if answers[0].is_success
        else ("interrupted", "WORKFLOW_GENERATION_CANCELLED")
    )
    assert len(quick.models.requests) <= 1  # it may have died between recording and asking
    booked_once(quick, exactly(answers[0]), *ending)


@pytest.fixture(name="quick", scope="module")
def quick_fixture() -> Iterator[Hosts]:
    """Two hosts whose models have two seconds, so that a generation that died is closed twenty seconds later."""
    limits = {"ORCHESTRATOR_ATTEMPT_TIMEOUT_S": "2", "ORCHESTRATOR_LAST_ATTEMPT_TIMEOUT_S": "2"}
    for folder in open_folder():
        with two_hosts(folder, **limits) as hosts:
            yield hosts
        sweep(folder)


def booked_once(hosts: Hosts, answer: dict[str, Any], status: str, ending: str) -> None:
    """Assert that the one row and the one event have the cost that was answered, and that the counters agree."""
    generation_id = answer["generation_id"]
    cost = sum(attempt["cost_usd"] for attempt in answer["attempts"])
    assert cost > 0
    assert rows(
        hosts.owner, "select status, cost_usd from public.workflows where generation_id = %s", generation_id
    ) == [(status, cost)]
    assert rows(
        hosts.owner,
        """
        select action, (details ->> 'cost_usd')::numeric from public.audit_logs
        where details ->> 'generation_id' = %s
        """,
        generation_id,
    ) == [(ending, cost)]
    assert differences(hosts.owner) == {}
