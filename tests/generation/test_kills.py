"""Whatever dies first, each call on the wire is recorded at its price, once."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator import bootstrap
from store.embedded.cluster import Cluster
from tests.cluster.conftest import kill_server
from tests.providers.behaviours import reply, status
from tests.providers.server import ModelServer
from tests.providers.wire_events import Told
from tests.queries.conftest import differences

OVERDUE = """
update public.workflows set deadline_at = started_at
where generation_id in (select generation_id from public.workflows where status = 'running' for update skip locked)
"""
TOLD = Told(input=2000, output=1500)

WORKER = """
import sys, threading
from orchestrator import OrchestratorError, GenerationOptions, bootstrap
from orchestrator.request import checked_request
from store import StoreError
application = bootstrap()
application.orchestrator.warm()
print("ready", flush=True)
for number in range(100_000):
    jobs = []
    for part in range(4):
        request = checked_request(
            prompt=f"{sys.argv[1]} {number} {part}", services=[], agent_id=f"a{part}", user_id="u", origin="api"
        )
        jobs.append(application.orchestrator.start(request, GenerationOptions(), lambda event: None))
    for job in jobs:
        try:
            job.future.result()
        except (OrchestratorError, StoreError):
            pass
"""


@pytest.fixture(name="models")
def models_fixture() -> Iterator[ModelServer]:
    """Two providers: two in five of the first one's answers are unusable, the second always answers."""
    server = ModelServer()
    server.open()
    answers = [reply(told=TOLD), reply("no JSON", told=TOLD), reply(told=TOLD), status(500), reply(told=TOLD)]
    server.script("openai", *answers * 4_000)
    server.script("anthropic", reply(told=TOLD))
    yield server
    server.close()


def environment(models: ModelServer, data: Path) -> dict[str, str]:
    """The environment of a process on this data folder."""
    return models.environment() | {
        "OPENAI_API_KEY": "sk-test-1",
        "ANTHROPIC_API_KEY": "sk-test-2",
        "ORCHESTRATOR_DATA_DIR": str(data),
        "ORCHESTRATOR_ATTEMPT_TIMEOUT_S": "5",
        "ORCHESTRATOR_LAST_ATTEMPT_TIMEOUT_S": "5",
        "PATH": "/usr/bin:/bin",
    }


def on_the_wire(models: ModelServer) -> Counter[tuple[str, str]]:
    """How often each prompt asked each model."""
    names = {"openai": "gpt-4o-mini", "anthropic": "claude-sonnet-4"}
    return Counter((prompt_of(received.body), names[received.provider]) for received in models.requests)


def prompt_of(body: dict[str, Any]) -> str:
    """The prompt in a request."""
    messages = body["messages"]
    return str(json.loads(messages[-1]["content"])["goal"])


def recorded(owner: psycopg.Connection) -> tuple[Counter[tuple[str, str]], Decimal]:
    """How often each prompt asked each model according to the events that count, and their total cost."""
    rows = owner.execute("""
        select run.prompt, attempt ->> 'model', coalesce((attempt ->> 'cost_usd')::numeric, 0)
        from public.audit_logs as event
        join public.workflows as run on run.generation_id::text = event.details ->> 'generation_id'
        cross join lateral jsonb_array_elements(event.details -> 'attempts') as attempt
        where event.action <> 'WORKFLOW_GENERATION_FALLBACK'
            and not private.is_superseded(event.id, event.action, event.details)
    """).fetchall()
    return Counter((prompt, model) for prompt, model, _ in rows), sum((cost for *_, cost in rows), Decimal(0))


def settle(models: ModelServer, data: Path) -> None:
    """Close what died: its deadline passes, and the next process starts."""
    with closing(bootstrap(environment(models, data))) as application:
        cluster: Cluster = application.store._cluster  # type: ignore[attr-defined]  # to look at the data as its owner
        with psycopg.connect(cluster.dsn(), autocommit=True) as owner:
            owner.execute(OVERDUE)
        application.store.machine().call("close_interrupted_generations")
        with psycopg.connect(cluster.dsn(), autocommit=True) as owner:
            counted, total = recorded(owner)
            wired = on_the_wire(models)
            assert wired - counted == Counter(), "a call on the wire was not recorded"
            # A call is recorded before it is sent: the process may die in between.
            assert all(count == 1 for count in counted.values())
            costs = owner.execute(
                "select coalesce(sum(cost_usd), 0) + 0 from public.generation_rollups where grain = 360"
            )
            assert costs.fetchone() == (total,)
            assert differences(owner) == {}
        assert application.orchestrator.outbox().waiting == 0


@pytest.mark.long
def test_kills_with_the_database_killed_first(models: ModelServer, open_folder: Path) -> None:
    """Fourteen rounds at random moments: Postgres dies, and a moment later the process that generates."""
    chance, data = random.Random(7), open_folder / "data"  # noqa: S311 - it only chooses moments
    for number in range(14):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, f"round {number}:"], env=environment(models, data), stdout=subprocess.PIPE
        )
        assert worker.stdout is not None
        worker.stdout.readline()
        time.sleep(chance.uniform(0.2, 1.5))
        kill_server(data)
        time.sleep(chance.uniform(0.0, 1.0))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
    settle(models, data)

    assert len(models.requests) > 100


@pytest.mark.long
def test_a_process_that_slept_while_its_model_answered(models: ModelServer, open_folder: Path) -> None:
    """A laptop's lid is closed: another process takes its generations for dead, then it wakes up and continues."""
    data = open_folder / "data"
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, "asleep"], env=environment(models, data), stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    for _ in range(5):
        time.sleep(0.4)
        worker.send_signal(signal.SIGSTOP)
        with closing(bootstrap(environment(models, data))) as other:
            cluster: Cluster = other.store._cluster  # type: ignore[attr-defined]  # as above
            with psycopg.connect(cluster.dsn(), autocommit=True) as owner:
                owner.execute(OVERDUE)
            other.store.machine().call("close_interrupted_generations")
            worker.send_signal(signal.SIGCONT)
            time.sleep(0.3)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    settle(models, data)
