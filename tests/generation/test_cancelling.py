"""However a generation is stopped, what it spent is recorded."""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest

from orchestrator import (
    Application,
    AttemptFailed,
    AttemptStarted,
    Finished,
    GenerationCancelled,
    GenerationFailed,
    GenerationOptions,
    StepAccepted,
)
from orchestrator.generation.progress import Progress
from orchestrator.providers.anthropic import Anthropic
from orchestrator.settings import read_settings
from orchestrator.simulator import Fault, SimulatedTransport
from orchestrator.system_keys import OrchestratorSettings
from store import Database
from store.identity import LOCAL_PERSON_ID
from tests.conftest import MakeApplication
from tests.generation.conftest import PROMPT, Ask, Log
from tests.generation.jobs import REQUEST, start_and_wait_for


def test_a_cancelled_run_is_booked_with_what_it_spent(make_application: MakeApplication, log: Log) -> None:
    """Cancelling in the middle of an answer records estimated tokens under CANCELLED, and no other model is asked."""
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
    """The first attempt keeps its own reason, the second is cancelled, and the generation counts as cancelled."""
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
    """Breaking out of the iteration records the generation before the code after it runs."""
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
    """Nothing is spent or recorded, and the error says so."""
    reading, answered = threading.Event(), threading.Event()

    def slow(database: Database) -> OrchestratorSettings:
        reading.set()
        answered.wait(timeout=30)
        return read_settings(database)

    monkeypatch.setattr("orchestrator.orchestrator.read_settings", slow)
    job = make_application().orchestrator.start(REQUEST, GenerationOptions(), lambda event: None)
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
    """The fallback's SDK does not load: the first attempt was paid for, and both are recorded."""

    def broken(provider: Anthropic) -> None:
        raise FileNotFoundError("certificates")

    monkeypatch.setattr("orchestrator.providers.anthropic.Anthropic._made", broken)
    with pytest.raises(GenerationFailed):
        ask(make_application(transport=simulator), primary_fault=Fault.SERVER_ERROR)

    outcomes = [attempt["outcome"] for attempt in log.details("WORKFLOW_GENERATION_FAILED")["attempts"]]
    assert outcomes == ["api_error", "api_error"]
    assert log.column("select status from public.workflows") == ["failed"]


def test_cancelling_at_once(application: Application, log: Log) -> None:
    """This works even before the work has begun."""
    jobs = [application.orchestrator.start(REQUEST, GenerationOptions(), lambda event: None) for _ in range(20)]
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
    """When the cancelled task has ended, the event is recorded, however often it was cancelled."""
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
    """Ending the program cancels its generations and waits until they are recorded."""
    application = make_application(transport=SimulatedTransport(speed=0.3))
    start_and_wait_for(application, AttemptStarted)
    application.close()

    assert log.actions() == ["WORKFLOW_GENERATION_CANCELLED"]


def test_the_stream_tells_the_whole_story(application: Application) -> None:
    """The progress is: the attempt, its steps, the result with the same steps."""

    async def events() -> list[Progress]:
        stream = application.orchestrator.stream(
            user_id=LOCAL_PERSON_ID, agent_id=None, prompt=PROMPT, services=["Slack", "Jira"]
        )
        return [event async for event in stream]

    first, *steps, last = asyncio.run(events())
    assert isinstance(first, AttemptStarted)
    assert isinstance(last, Finished)
    assert [event.step for event in steps if isinstance(event, StepAccepted)] == list(last.result.pilot_steps)


def test_a_listener_that_fails_does_no_harm(application: Application, log: Log) -> None:
    """Its exception is logged; the generation is finished and recorded."""

    def fail(event: Progress) -> None:
        raise ValueError("a bug in a page")

    result = application.orchestrator.start(REQUEST, GenerationOptions(), fail).future.result(timeout=30)

    assert len(result.pilot_steps) >= 3
    assert log.actions() == ["WORKFLOW_GENERATED"]


def test_the_waiting_form_works_inside_a_running_loop(application: Application, ask: Ask) -> None:
    """A caller with its own event loop gets the result too."""

    async def inside() -> int:
        return len(ask(application).pilot_steps)

    assert asyncio.run(inside()) >= 3


def test_many_at_once_are_all_booked(application: Application, owner: psycopg.Connection) -> None:
    """Fifty generations in parallel give fifty results, fifty events and fifty rows."""
    jobs = [application.orchestrator.start(REQUEST, GenerationOptions(), lambda event: None) for _ in range(50)]
    ids = {job.future.result(timeout=60).generation_id for job in jobs}

    assert len(ids) == 50
    assert owner.execute("select count(*) from public.audit_logs").fetchone() == (50,)
    assert owner.execute("select count(*) from public.workflows where status = 'succeeded'").fetchone() == (50,)
