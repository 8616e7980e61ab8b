"""A run whose process died is closed by the next one; one that was only slow keeps its workflow."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from orchestrator import Application, AttemptStarted
from orchestrator.simulator import Fault, SimulatedTransport
from store import Conflict
from tests.conftest import MakeApplication
from tests.generation.conftest import Ask, Log
from tests.generation.jobs import start_and_wait_for


def interrupted_run(application: Application, fault: Fault | None, owner: psycopg.Connection) -> None:
    """A run whose process seems to have died: it is under way, and its deadline has passed."""
    start_and_wait_for(application, AttemptStarted, fault)
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")


def test_an_id_starts_one_run(application: Application, simulator: SimulatedTransport, log: Log, ask: Ask) -> None:
    """A second one under it is refused before anything is asked: its events would be passed over."""
    result = ask(application)
    with pytest.raises(Conflict, match="run with this id already"):
        ask(application, generation_id=result.generation_id)

    assert simulator.requests == 1
    assert log.actions() == ["WORKFLOW_GENERATED"]


def test_an_overdue_run_is_closed_as_interrupted(
    make_application: MakeApplication, owner: psycopg.Connection, log: Log
) -> None:
    """Whoever starts next books the attempt that was under way, once, at the time of its deadline."""
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
    """The failed first attempt and the second under way are both in the events."""
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


def test_a_run_that_was_only_slow_keeps_its_workflow(
    make_application: MakeApplication, owner: psycopg.Connection, log: Log
) -> None:
    """Closed as interrupted and finished after all: the workflow is kept, the cost is not counted twice."""
    job, _ = start_and_wait_for(make_application(transport=SimulatedTransport(speed=0.5)), AttemptStarted)
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")
    make_application()
    result = job.future.result(timeout=30)

    assert log.actions() == ["WORKFLOW_GENERATION_CANCELLED"]
    assert log.column("select pilot_steps from public.workflows") == [list(result.pilot_steps)]


KILLED = """
import os, signal, sys
from orchestrator import AttemptStarted, RunOptions, bootstrap
from orchestrator.request import checked_request
application = bootstrap({"ORCHESTRATOR_DATA_DIR": sys.argv[1], "ORCHESTRATOR_ATTEMPT_TIMEOUT_S": "1",
    "ORCHESTRATOR_LAST_ATTEMPT_TIMEOUT_S": "1", "ORCHESTRATOR_OFFLINE_SPEED": "100"})
request = checked_request(prompt="x", services=[], agent_id=None, user_id="u", origin="cli")
def die(event):
    if isinstance(event, AttemptStarted):
        os.kill(os.getpid(), signal.SIGKILL)
application.orchestrator.start(request, RunOptions(), die).future.result()
"""


@pytest.mark.long
def test_kill_9_in_the_middle(open_folder: Path) -> None:
    """After the deadline the next process closes the run; the data is whole."""
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
