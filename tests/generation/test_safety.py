"""Nothing that was paid for is lost: cancelled runs, dead processes, a database that is away, a full disk."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator import (
    Application,
    AttemptFailed,
    AttemptStarted,
    Finished,
    GenerationCancelled,
    GenerationFailed,
    RecordingFailed,
    RunOptions,
    StepAccepted,
)
from orchestrator.events import GenerationEvent
from orchestrator.outbox import Outbox
from orchestrator.providers.anthropic import Anthropic
from orchestrator.request import checked_request
from orchestrator.settings import OrchestratorSettings, read_settings
from orchestrator.simulator import Fault, SimulatedTransport
from store import Argument, Conflict, Database, Json, Unavailable
from store.identity import LOCAL_PERSON_ID
from tests.conftest import MakeApplication, PooledStore
from tests.generation.conftest import PROMPT, Ask, Log


class Flaky:
    """A database that can be taken away for some functions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away: set[str] = set()
        self.refused: list[str] = []

    def call(self, function: str, **arguments: Argument) -> Json:
        if function in self.away:
            self.refused.append(function)
            raise Unavailable
        return self._database.call(function, **arguments)


class FlakyStore(PooledStore):
    """A store whose machine database is flaky."""

    def __init__(self, store: PooledStore) -> None:
        super().__init__(store.pool)
        self.flaky = Flaky(store.machine())

    def machine(self) -> Database:
        return self.flaky


@pytest.fixture(name="store")
def store_fixture(store: PooledStore) -> FlakyStore:
    """This module's store can be taken away."""
    return FlakyStore(store)


REQUEST = checked_request(
    prompt=PROMPT, services=["Slack", "Jira"], agent_id="agent-1", user_id=LOCAL_PERSON_ID, origin="api"
)


def start_and_wait_for(
    application: Application, kind: type[GenerationEvent], fault: Fault | None = None
) -> tuple[Any, list[GenerationEvent]]:
    """A job that has just told an event of this kind."""
    events: list[GenerationEvent] = []
    told = threading.Event()

    def emit(event: GenerationEvent) -> None:
        events.append(event)
        if isinstance(event, kind):
            told.set()

    job = application.orchestrator.start(REQUEST, RunOptions(primary_fault=fault), emit)
    assert told.wait(20)
    return job, events


def test_a_cancelled_run_is_booked_with_what_it_spent(make_application: MakeApplication, log: Log) -> None:
    """Cancelling in the middle of an answer books estimated tokens under CANCELLED and asks nobody else."""
    simulator = SimulatedTransport(speed=0.3)
    job, _ = start_and_wait_for(make_application(transport=simulator), StepAccepted)
    job.cancel()

    with pytest.raises(GenerationCancelled) as caught:
        job.future.result(timeout=10)
    (attempt,) = caught.value.attempts
    details = log.details("WORKFLOW_GENERATION_CANCELLED")
    assert (attempt.outcome, attempt.tokens_estimated) == ("cancelled", True)
    assert attempt.tokens.input > 1000
    assert attempt.tokens.output > 0
    assert details["cause"] == "cancelled"
    assert details["attempts"][0]["tokens"]["total"] == attempt.tokens.total
    assert simulator.requests == 1
    assert log.column("select status from public.workflows") == ["cancelled"]


def test_cancelling_while_the_fallback_answers_books_both(make_application: MakeApplication, log: Log) -> None:
    """The first attempt keeps its own reason, the second is cancelled, and the run counts as cancelled."""
    job, _ = start_and_wait_for(
        make_application(transport=SimulatedTransport(speed=0.3)), AttemptFailed, Fault.BAD_STEP
    )
    job.cancel()

    with pytest.raises(GenerationCancelled) as caught:
        job.future.result(timeout=10)
    assert caught.value.attempts[0].outcome == "validation_failed"
    assert "WORKFLOW_GENERATION_CANCELLED" in log.actions()
    assert "WORKFLOW_GENERATION_FAILED" not in log.actions()


def test_leaving_a_stream_early_cancels_it(make_application: MakeApplication, log: Log) -> None:
    """Breaking out of the iteration books the run before it goes on."""
    application = make_application(transport=SimulatedTransport(speed=0.3))

    async def look_and_leave() -> None:
        stream = application.orchestrator.stream(user_id=LOCAL_PERSON_ID, agent_id=None, prompt=PROMPT, services=[])
        async for event in stream:
            if isinstance(event, AttemptStarted):
                break
        await stream.aclose()

    asyncio.run(look_and_leave())
    assert log.actions() == ["WORKFLOW_GENERATION_CANCELLED"]


def test_cancelling_before_a_model_is_asked(
    make_application: MakeApplication, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is spent or booked, and the error says so."""
    reading, answered = threading.Event(), threading.Event()

    def slow(database: Database) -> OrchestratorSettings:
        reading.set()
        answered.wait(timeout=30)
        return read_settings(database)

    monkeypatch.setattr("orchestrator.orchestrator.read_settings", slow)
    job = make_application().orchestrator.start(REQUEST, RunOptions(), lambda event: None)
    assert reading.wait(timeout=30)
    job.cancel()

    with pytest.raises(GenerationCancelled, match="before a model was asked"):
        job.future.result(timeout=30)
    answered.set()
    assert log.actions() == []


def test_a_client_that_cannot_be_made_is_an_outcome(
    make_application: MakeApplication,
    simulator: SimulatedTransport,
    log: Log,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fallback's SDK does not start: the first attempt was paid for, and both are booked."""

    def broken(provider: Anthropic) -> None:
        raise FileNotFoundError("certificates")

    monkeypatch.setattr("orchestrator.providers.anthropic.Anthropic._made", broken)
    with pytest.raises(GenerationFailed):
        ask(make_application(transport=simulator), primary_fault=Fault.SERVER_ERROR)

    outcomes = [attempt["outcome"] for attempt in log.details("WORKFLOW_GENERATION_FAILED")["attempts"]]
    assert outcomes == ["api_error", "api_error"]
    assert log.column("select status from public.workflows") == ["failed"]


def test_cancelling_at_once(application: Application, log: Log) -> None:
    """Also before the work has begun."""
    jobs = [application.orchestrator.start(REQUEST, RunOptions(), lambda event: None) for _ in range(20)]
    for job in jobs:
        job.cancel()

    for job in jobs:
        with pytest.raises(GenerationCancelled):
            job.future.result(timeout=30)
    assert set(log.actions()) <= {"WORKFLOW_GENERATION_CANCELLED"}


@pytest.mark.parametrize("times", [1, 20])
def test_cancelling_the_awaiting_task_waits_for_the_booking(
    make_application: MakeApplication, log: Log, times: int
) -> None:
    """When the cancelled task has ended, the event is there, however often it was cancelled."""
    simulator = SimulatedTransport(speed=0.3)
    application = make_application(transport=simulator)

    async def give_up() -> None:
        task = asyncio.create_task(
            application.orchestrator.generate_workflow_async(
                user_id=LOCAL_PERSON_ID, agent_id=None, prompt=PROMPT, services=[]
            )
        )
        while not simulator.requests:  # noqa: ASYNC110 - the requests arrive on another loop
            await asyncio.sleep(0.01)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert log.actions() == ["WORKFLOW_GENERATION_CANCELLED"]


def test_closing_books_what_runs(make_application: MakeApplication, log: Log) -> None:
    """Ending the program cancels its runs and waits until they are booked."""
    application = make_application(transport=SimulatedTransport(speed=0.3))
    start_and_wait_for(application, AttemptStarted)
    application.close()

    assert log.actions() == ["WORKFLOW_GENERATION_CANCELLED"]


def test_the_stream_tells_the_whole_story(application: Application) -> None:
    """Attempt, its steps, the result with the same steps."""

    async def events() -> list[GenerationEvent]:
        stream = application.orchestrator.stream(
            user_id=LOCAL_PERSON_ID, agent_id=None, prompt=PROMPT, services=["Slack", "Jira"]
        )
        return [event async for event in stream]

    first, *steps, last = asyncio.run(events())
    assert isinstance(first, AttemptStarted)
    assert isinstance(last, Finished)
    assert [event.step for event in steps if isinstance(event, StepAccepted)] == list(last.result.pilot_steps)


def test_a_listener_that_fails_does_no_harm(application: Application, log: Log) -> None:
    """Its exception is logged; the run is finished and booked."""

    def fail(event: GenerationEvent) -> None:
        raise ValueError("a bug in a page")

    result = application.orchestrator.start(REQUEST, RunOptions(), fail).future.result(timeout=30)

    assert len(result.pilot_steps) >= 3
    assert log.actions() == ["WORKFLOW_GENERATED"]


def test_the_waiting_form_works_inside_a_running_loop(application: Application, ask: Ask) -> None:
    """A caller with a loop of its own gets its result all the same."""

    async def inside() -> int:
        return len(ask(application).pilot_steps)

    assert asyncio.run(inside()) >= 3


def test_many_at_once_are_all_booked(application: Application, owner: psycopg.Connection) -> None:
    """Fifty runs side by side: fifty results, fifty events, fifty rows."""
    jobs = [application.orchestrator.start(REQUEST, RunOptions(), lambda event: None) for _ in range(50)]
    ids = {job.future.result(timeout=60).generation_id for job in jobs}

    assert len(ids) == 50
    assert owner.execute("select count(*) from public.audit_logs").fetchone() == (50,)
    assert owner.execute("select count(*) from public.workflows where status = 'succeeded'").fetchone() == (50,)


def test_without_a_database_nothing_is_asked(
    application: Application, simulator: SimulatedTransport, store: FlakyStore, ask: Ask
) -> None:
    """A run that could not be booked does not begin."""
    for function in ("get_settings", "start_generation"):
        store.flaky.away = {function}
        with pytest.raises(Unavailable):
            ask(application)

    assert simulator.requests == 0


def test_an_outcome_waits_in_the_outbox(
    make_application: MakeApplication, store: FlakyStore, tmp_path: Path, ask: Ask, log: Log
) -> None:
    """When the database goes away in the middle, the result is given, kept on disk, and delivered at the next start."""
    application = make_application()
    store.flaky.away = {"finish_generation", "note_progress"}
    result = ask(application, primary_fault=Fault.SERVER_ERROR)
    (kept,) = (tmp_path / "outbox").iterdir()
    assert log.actions() == []
    assert kept.stat().st_mode & 0o077 == 0

    store.flaky.away = set()
    make_application()
    make_application()

    assert list((tmp_path / "outbox").iterdir()) == []
    assert log.actions() == ["WORKFLOW_GENERATION_FALLBACK", "WORKFLOW_GENERATED"]
    assert log.column("select pilot_steps from public.workflows") == [list(result.pilot_steps)]


def test_an_outcome_in_the_outbox_is_booked_before_overdue_runs_are_closed(
    make_application: MakeApplication, store: FlakyStore, tmp_path: Path, ask: Ask, log: Log, owner: psycopg.Connection
) -> None:
    """The next run of the same process delivers it, however long that took."""
    application = make_application()
    store.flaky.away = {"finish_generation"}
    ask(application)
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")
    store.flaky.away = set()
    ask(application)

    assert list((tmp_path / "outbox").iterdir()) == []
    assert log.actions() == ["WORKFLOW_GENERATED", "WORKFLOW_GENERATED"]
    assert set(log.column("select status from public.workflows")) == {"succeeded"}


def test_a_delivery_that_is_repeated_counts_once(
    make_application: MakeApplication, store: FlakyStore, tmp_path: Path, ask: Ask, log: Log
) -> None:
    """The same outcome sent twice leaves the same events and the same row."""
    store.flaky.away = {"finish_generation"}
    ask(make_application())
    ((generation_id, outcome),) = Outbox(tmp_path / "outbox").waiting()
    for _ in range(2):
        PooledStore(store.pool).machine().call(
            "finish_generation", p_generation_id=str(generation_id), p_outcome=outcome
        )

    assert log.actions() == ["WORKFLOW_GENERATED"]


@pytest.mark.parametrize("text", ["[]", "null", '{"generation_id": 7, "outcome": "{}"}', "\udcff"])
def test_a_strange_file_in_the_outbox_stays_there(
    application: Application, tmp_path: Path, ask: Ask, text: str
) -> None:
    """And keeps nobody from asking."""
    strange = tmp_path / "outbox" / "strange.json"
    strange.parent.mkdir()
    strange.write_text(text, errors="surrogateescape")
    ask(application)

    assert strange.exists()


def test_a_database_that_is_away_is_waited_for_once(
    make_application: MakeApplication, store: FlakyStore, ask: Ask
) -> None:
    """However many outcomes wait in the outbox."""
    application = make_application()
    store.flaky.away = {"finish_generation"}
    for _ in range(3):
        ask(application)
    store.flaky.away |= {"start_generation"}
    store.flaky.refused.clear()
    with pytest.raises(Unavailable):
        ask(application)

    assert store.flaky.refused == ["finish_generation", "start_generation"]


def test_with_database_and_disk_gone_the_result_is_handed_over(
    make_application: MakeApplication, store: FlakyStore, tmp_path: Path, ask: Ask
) -> None:
    """The error carries the workflow that was paid for."""
    application = make_application()
    store.flaky.away = {"finish_generation"}
    (tmp_path / "outbox").write_text("a file where the folder should be")

    with pytest.raises(RecordingFailed, match="free some space") as caught:
        ask(application)
    assert caught.value.result is not None
    assert len(caught.value.result.pilot_steps) >= 3


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
