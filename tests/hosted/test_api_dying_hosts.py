"""Hosts die while a request is repeated, and still every answer is the same and paid once."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.cluster.conftest import eventually, sweep
from tests.conftest import open_folder
from tests.generation.test_kills import OVERDUE
from tests.hosted.api_rig import BODY, ROUTE, exactly, problem_in, rows
from tests.hosted.server_processes import Hosts, Server, two_hosts
from tests.queries.conftest import differences


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
