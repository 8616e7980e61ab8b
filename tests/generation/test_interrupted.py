"""A generation whose process died is closed by the next process; one that was merely slow keeps its workflow."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from orchestrator import Application, AttemptStarted, GenerationCancelled
from orchestrator.simulator import Fault, SimulatedTransport
from queries.filters import Filters
from queries.period import period
from queries.report import read_report
from store import Conflict, clock, understood
from tests.conftest import MakeApplication, PooledStore
from tests.generation.conftest import Ask, Log
from tests.generation.jobs import start_and_wait_for
from tests.queries.conftest import append, differences


def interrupted_run(application: Application, fault: Fault | None, owner: psycopg.Connection) -> None:
    """A generation whose process seems to have died: it is under way, and its deadline has passed."""
    start_and_wait_for(application, AttemptStarted, fault)
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")


def test_an_id_starts_one_run(application: Application, simulator: SimulatedTransport, log: Log, ask: Ask) -> None:
    """A second one with the same id is rejected before any model is asked: its events would be ignored."""
    result = ask(application)
    with pytest.raises(Conflict, match="A generation with this id already exists"):
        ask(application, generation_id=result.generation_id)

    assert simulator.requests == 1
    assert log.actions() == ["WORKFLOW_GENERATED"]


def test_an_overdue_run_is_closed_as_interrupted(
    make_application: MakeApplication, owner: psycopg.Connection, log: Log
) -> None:
    """The next process to start records the attempt that was under way, once, at the time of its deadline."""
    interrupted_run(make_application(transport=SimulatedTransport(speed=100)), None, owner)
    make_application()
    make_application()
    details = log.details("WORKFLOW_GENERATION_CANCELLED")

    assert log.actions() == ["WORKFLOW_GENERATION_CANCELLED"]
    assert details["cause"] == "interrupted"
    assert details["attempts"][0]["outcome"] == "cancelled"
    assert details["attempts"][0]["tokens"]["input"] > 1000
    assert details["wasted_cost_usd"] > 0
    assert log.column("select status from public.workflows") == ["interrupted"]
    assert log.column("select attempts from public.workflows") == [details["attempts"]]
    assert log.column("select cost_usd::text from public.workflows") == [str(details["cost_usd"])]
    assert log.column("select a.timestamp = w.deadline_at from public.audit_logs a, public.workflows w") == [True]


def test_a_run_interrupted_during_its_fallback_books_both(
    make_application: MakeApplication, owner: psycopg.Connection, log: Log
) -> None:
    """The failed first attempt and the second one under way are both in the events."""
    application = make_application(transport=SimulatedTransport(speed=100))
    noted = "select jsonb_array_length(events_if_interrupted) from public.workflows"
    job, _ = start_and_wait_for(application, AttemptStarted, Fault.RATE_LIMIT)
    while log.column(noted) != [2]:
        assert not job.future.done()
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")
    make_application()

    assert log.actions() == ["WORKFLOW_GENERATION_FALLBACK", "WORKFLOW_GENERATION_CANCELLED"]
    outcomes = [attempt["outcome"] for attempt in log.details("WORKFLOW_GENERATION_CANCELLED")["attempts"]]
    assert outcomes == ["rate_limit", "cancelled"]


@pytest.mark.parametrize("fault", [None, Fault.SERVER_ERROR])
def test_a_late_outcome_takes_the_place_of_the_estimate(
    make_application: MakeApplication, owner: psycopg.Connection, store: PooledStore, log: Log, fault: Fault | None
) -> None:
    """It was closed as interrupted and finished after all: workflow, dollars and success count once, and exactly."""
    job, _ = start_and_wait_for(
        make_application(transport=SimulatedTransport(speed=0.5)), AttemptStarted, fault, count=2 if fault else 1
    )
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")
    make_application()
    (estimate,) = log.column("select id::text from public.audit_logs where details ->> 'cause' = 'interrupted'")
    assert differences(owner) == {}
    result = job.future.result(timeout=30)
    today = clock.system().date()
    report = read_report(store.person(), period(today - timedelta(days=1), today, "UTC"), Filters())

    assert log.details("WORKFLOW_GENERATED")["supersedes"] == estimate
    assert log.column("select status from public.workflows") == ["succeeded"]
    assert log.column("select pilot_steps from public.workflows") == [list(result.pilot_steps)]
    assert log.column("select cost_usd from public.workflows") == [result.cost_usd]
    assert (report["generations"], report["cost_usd"], report["cost_failed_usd"]) == (1, result.cost_usd, 0)
    assert differences(owner) == {}
    days = {"p_from": f"{today - timedelta(days=1)}", "p_to": f"{today + timedelta(days=1)}"}
    rows = understood(list[dict[str, Any]], store.person().call("list_generations", **days, p_filters={}, p_limit=50))
    assert [row["action"] for row in rows] == ["WORKFLOW_GENERATED"]


def test_a_sleeper_that_was_closed_asks_no_further_model(
    make_application: MakeApplication, owner: psycopg.Connection, log: Log
) -> None:
    """Its first model fails after the generation was closed: what it spent is exact, and nothing more is spent."""
    simulator = SimulatedTransport(speed=0.5)
    job, _ = start_and_wait_for(make_application(transport=simulator), AttemptStarted, Fault.CUT_STREAM)
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")
    make_application()
    with pytest.raises(GenerationCancelled, match="while its process was suspended"):
        job.future.result(timeout=30)

    assert simulator.requests == 1
    assert log.actions() == ["WORKFLOW_GENERATION_CANCELLED"] * 2
    attempts = log.column("select attempts from public.workflows")
    assert [attempt["outcome"] for attempt in attempts[0]] == ["api_error"]
    assert differences(owner) == {}


@pytest.mark.parametrize("reverse", [False, True])
def test_estimate_and_outcome_count_once_in_any_order(owner: psycopg.Connection, *, reverse: bool) -> None:
    """This also holds when another database's log is imported, one by one or together."""
    shared = {"generation_id": "g", "attempts": [], "cost_usd": 0.01, "wasted_cost_usd": 0.01}
    estimate = {
        "id": str(uuid4()), "action": "WORKFLOW_GENERATION_CANCELLED", "details": shared | {"cause": "interrupted"},
    }  # fmt: skip
    outcomes = [
        {"id": str(uuid4()), "action": "WORKFLOW_GENERATED", "details": shared | {"supersedes": estimate["id"]}}
        for _ in range(2)
    ]
    events = [estimate, *outcomes]
    for event in reversed(events) if reverse else events:
        append(owner, [event])

    counted = owner.execute("select status, generations from public.generation_rollups where grain = 360").fetchall()
    assert counted == [("completed", 2)]
    assert differences(owner) == {}
    append(owner, [event | {"id": str(uuid4())} for event in events])


KILLED = """
import os, signal, sys
from orchestrator import AttemptStarted, GenerationOptions, bootstrap
from orchestrator.request import checked_request
application = bootstrap({"ORCHESTRATOR_DATA_DIR": sys.argv[1], "ORCHESTRATOR_ATTEMPT_TIMEOUT_S": "1",
    "ORCHESTRATOR_LAST_ATTEMPT_TIMEOUT_S": "1", "ORCHESTRATOR_OFFLINE_SPEED": "100"})
request = checked_request(prompt="x", services=[], agent_id=None, user_id="u", origin="cli")
def die(event):
    if isinstance(event, AttemptStarted):
        os.kill(os.getpid(), signal.SIGKILL)
application.orchestrator.start(request, GenerationOptions(), die).future.result()
"""


@pytest.mark.long
def test_kill_9_in_the_middle(open_folder: Path) -> None:
    """After the deadline, the next process closes the generation; the data is intact."""
    data = str(open_folder / "data")
    first = subprocess.run([sys.executable, "-c", KILLED, data], timeout=60, check=False)
    assert first.returncode == -signal.SIGKILL

    from orchestrator import bootstrap

    statement = "select count(*) from public.audit_logs where details->>'cause' = 'interrupted'"
    environment = {"ORCHESTRATOR_DATA_DIR": data, "ORCHESTRATOR_OFFLINE_SPEED": "0"}
    application = bootstrap(environment)
    cluster = application.store._cluster  # type: ignore[attr-defined]  # to look at the data as its owner
    with psycopg.connect(cluster.dsn(), autocommit=True) as owner:
        owner.execute("update public.workflows set deadline_at = now() - interval '1 s' where status = 'running'")
        application.close()
        application = bootstrap(environment)
    with psycopg.connect(application.store._cluster.dsn()) as owner:  # type: ignore[attr-defined]  # as above
        assert owner.execute(statement.encode()).fetchone() == (1,)
    application.close()
