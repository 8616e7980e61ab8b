"""What cannot be recorded at once is recorded automatically, and what will be spent is known beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from orchestrator import AttemptStarted, RecordingFailed
from orchestrator.simulator import Fault, SimulatedTransport
from tests.conftest import MakeApplication, PooledStore
from tests.generation.conftest import Ask, Log
from tests.generation.flaky import FlakyStore, patient_fixture, store_fixture
from tests.generation.jobs import start_and_wait_for
from tests.queries.conftest import differences

__all__ = ["patient_fixture", "store_fixture"]


def test_what_waits_is_delivered_by_itself(
    make_application: MakeApplication, store: FlakyStore, ask: Ask, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No further generation is needed for it."""
    monkeypatch.setattr("orchestrator.recording.delivery._FIRST_PAUSE_S", 0.0)
    application = make_application()
    store.flaky.away = {"finish_generation"}
    ask(application)
    store.flaky.away = set()

    assert until(lambda: application.orchestrator.outbox().waiting == 0)
    assert log.actions() == ["WORKFLOW_GENERATED"]


def test_after_recording_failed_the_process_goes_on_trying(
    make_application: MakeApplication, store: FlakyStore, tmp_path: Path, ask: Ask, log: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Database and disk were unavailable: as soon as one of them is back, the record is saved."""
    monkeypatch.setattr("orchestrator.recording.delivery._FIRST_PAUSE_S", 0.0)
    application = make_application()
    store.flaky.away = {"finish_generation"}
    (tmp_path / "outbox").write_text("a file where the folder should be")
    with pytest.raises(RecordingFailed, match="keeps trying"):
        ask(application)
    assert application.orchestrator.outbox().waiting == 1
    store.flaky.away = set()

    assert until(lambda: application.orchestrator.outbox().waiting == 0)
    assert log.actions() == ["WORKFLOW_GENERATED"]


def test_what_was_in_memory_alone_goes_to_the_disk_as_soon_as_it_can(
    make_application: MakeApplication, store: FlakyStore, tmp_path: Path, ask: Ask
) -> None:
    """The database is still unavailable: from disk, another process can deliver it."""
    application = make_application()
    store.flaky.away = {"finish_generation"}
    blocked = tmp_path / "outbox"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(RecordingFailed) as caught:
        ask(application)
    blocked.unlink()
    application.orchestrator._recorder.catch_up()

    assert [file.name for file in blocked.iterdir()] == [f"{caught.value.generation_id}.json"]


def test_a_fallback_is_on_the_disk_before_it_is_asked(
    make_application: MakeApplication, store: FlakyStore, tmp_path: Path, log: Log, owner: psycopg.Connection
) -> None:
    """The database is unavailable when the fallback begins, and the process dies: its call is recorded all the same."""
    simulator = SimulatedTransport(speed=100)
    application = make_application(transport=simulator)
    store.flaky.away = {"note_progress", "finish_generation"}
    start_and_wait_for(application, AttemptStarted, Fault.RATE_LIMIT, count=2)
    (kept,) = (tmp_path / "outbox").iterdir()
    assert kept.name.endswith(".progress.json")

    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")
    PooledStore(store.pool).machine().call("close_interrupted_generations")
    assert [attempt["model"] for attempt in log.details("WORKFLOW_GENERATION_CANCELLED")["attempts"]] == ["gpt-4o-mini"]
    store.flaky.away = set()
    for _ in range(2):  # two processes start, one after the other
        make_application()

    (later,) = log.column(
        "select details from public.audit_logs "
        "where details ->> 'supersedes' is not null and action = 'WORKFLOW_GENERATION_CANCELLED'"
    )
    assert [attempt["model"] for attempt in later["attempts"]] == ["gpt-4o-mini", "claude-sonnet-4"]
    assert later["cost_usd"] > 0.003
    assert log.actions().count("WORKFLOW_GENERATION_CANCELLED") == 2
    assert differences(owner) == {}


def test_with_nowhere_to_keep_it_no_fallback_is_asked(
    make_application: MakeApplication, store: FlakyStore, simulator: SimulatedTransport, tmp_path: Path, ask: Ask
) -> None:
    """Neither the database nor the disk would know about it."""
    application = make_application(transport=simulator)
    store.flaky.away = {"note_progress", "finish_generation"}
    (tmp_path / "outbox").write_text("a file where the folder should be")
    with pytest.raises(RecordingFailed):
        ask(application, primary_fault=Fault.SERVER_ERROR)

    assert simulator.requests == 1


@pytest.mark.parametrize("fault", [None, Fault.BAD_STEP])
def test_a_host_that_is_cut_off_while_its_model_answers(
    make_application: MakeApplication, store: FlakyStore, log: Log, owner: psycopg.Connection, fault: Fault | None
) -> None:
    """Another host takes the generation for dead; when the first is back, the real record replaces the estimate."""
    application = make_application(transport=SimulatedTransport(speed=0.3))
    job, _ = start_and_wait_for(application, AttemptStarted, fault)
    store.flaky.away = {"note_progress", "finish_generation"}
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")
    other = PooledStore(store.pool).machine()
    assert other.call("close_interrupted_generations") == {"closed": 1}
    result = job.future.result(timeout=60)
    store.flaky.away = set()
    application.orchestrator._recorder.catch_up()

    assert len(result.attempts) == (2 if fault else 1)
    assert log.column("select status from public.workflows") == ["succeeded"]
    assert log.column("select cost_usd from public.workflows") == [result.cost_usd]
    assert log.details("WORKFLOW_GENERATED")["supersedes"]
    assert log.column("select sum(cost_usd) from public.generation_rollups where grain = 360") == [result.cost_usd]
    assert log.column("select sum(generations) from public.generation_rollups where grain = 360") == [1]
    assert differences(owner) == {}


def until(done: Callable[[], bool], limit_s: float = 20.0) -> bool:
    """Whether the condition became true within a time limit."""
    deadline = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
