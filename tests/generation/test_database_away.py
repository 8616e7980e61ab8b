"""Nothing that was paid for is lost while the database is unavailable or the disk is full."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from orchestrator import Application, RecordingFailed
from orchestrator.recording.outbox import Kind, Outbox, OutboxState
from orchestrator.simulator import Fault, SimulatedTransport
from store import Argument, Json, Unavailable
from tests.conftest import MakeApplication, PooledStore
from tests.generation.conftest import Ask, Log
from tests.generation.flaky import FlakyStore, patient_fixture, store_fixture

__all__ = ["patient_fixture", "store_fixture"]


def test_without_a_database_nothing_is_asked(
    application: Application, simulator: SimulatedTransport, store: FlakyStore, ask: Ask
) -> None:
    """A generation that could not be recorded does not start."""
    for function in ("get_settings", "start_generation"):
        store.flaky.away = {function}
        with pytest.raises(Unavailable):
            ask(application)

    assert simulator.requests == 0


def test_an_outcome_waits_in_the_outbox(
    make_application: MakeApplication, store: FlakyStore, tmp_path: Path, ask: Ask, log: Log
) -> None:
    """If the database becomes unavailable midway, the result is returned, kept on disk, and delivered later."""
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
    """The next generation of the same process delivers it first, however long that took."""
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
    """Sending the same record twice leaves the same events and the same row."""
    store.flaky.away = {"finish_generation"}
    ask(make_application())
    (waiting,) = Outbox(tmp_path / "outbox").waiting()
    for _ in range(2):
        PooledStore(store.pool).machine().call(
            "finish_generation", p_generation_id=str(waiting.generation_id), p_record=waiting.text
        )

    assert log.actions() == ["WORKFLOW_GENERATED"]


def test_a_file_that_cannot_be_removed_stops_nothing(
    make_application: MakeApplication,
    store: FlakyStore,
    ask: Ask,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A delivered file is delivered again, counts once, and the next generation starts."""
    store.flaky.away = {"finish_generation"}
    ask(make_application())
    store.flaky.away = set()

    def read_only(outbox: Outbox, generation_id: UUID, kind: Kind) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Outbox, "delivered", read_only)
    ask(make_application())

    assert log.actions() == ["WORKFLOW_GENERATED"] * 2
    assert "stays in the outbox: Permission denied" in caplog.text


_ID = "00000000-0000-4000-8000-00000000000a"
_NOBODYS = json.dumps({"generation_id": _ID, "outcome": '{"status": "failed", "events": [{}]}'})


@pytest.mark.parametrize("text", ["[]", "null", '{"generation_id": 7, "outcome": "{}"}', "\udcff", _NOBODYS])
def test_a_strange_file_in_the_outbox_is_set_aside(
    application: Application, tmp_path: Path, ask: Ask, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is unreadable, or its generation was never started: it is reported once, kept, and blocks nothing."""
    strange = tmp_path / "outbox" / f"{_ID}.json"
    strange.parent.mkdir()
    strange.write_text(text, errors="surrogateescape")
    for _ in range(2):
        ask(application)

    assert [file.name for file in strange.parent.iterdir()] == [f"{strange.name}.refused"]
    assert caplog.text.count("set aside") == 1
    assert application.orchestrator.outbox() == OutboxState(waiting=0, set_aside=1)


def test_a_database_that_is_away_is_waited_for_once(
    make_application: MakeApplication, store: FlakyStore, ask: Ask
) -> None:
    """This holds however many records wait in the outbox."""
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

    with pytest.raises(RecordingFailed, match="free up disk space") as caught:
        ask(application)
    assert caught.value.result is not None
    assert len(caught.value.result.pilot_steps) >= 3


def test_whatever_keeps_an_outcome_from_the_database(
    application: Application, store: FlakyStore, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even after an unexpected error, what was paid for goes to disk."""
    call = store.flaky.call

    def broken(function: str, **arguments: Argument) -> Json:
        if function == "finish_generation":
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        return call(function, **arguments)

    monkeypatch.setattr(store.flaky, "call", broken)
    result = ask(application)

    assert [file.stem for file in (tmp_path / "outbox").iterdir()] == [str(result.generation_id)]


def test_a_start_whose_answer_is_lost_books_no_attempt(
    make_application: MakeApplication, store: FlakyStore, ask: Ask, log: Log, monkeypatch: pytest.MonkeyPatch,
    owner: psycopg.Connection,
) -> None:  # fmt: skip
    """No model was asked: when it is overdue, it does not count as a process that died while a model was answering."""
    call = store.flaky.call

    def lossy(function: str, **arguments: Argument) -> Json:
        answer = call(function, **arguments)
        if function == "start_generation":
            raise Unavailable
        return answer

    application = make_application()
    monkeypatch.setattr(store.flaky, "call", lossy)
    with pytest.raises(Unavailable):
        ask(application)
    owner.execute("update public.workflows set deadline_at = now() - interval '1 hour'")
    monkeypatch.setattr(store.flaky, "call", call)
    make_application()

    assert log.actions() == []
    assert log.column("select status from public.workflows") == ["cancelled"]
