"""Generations are recorded, seen and counted in the same way on both sides."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from queries.filters import Filters
from queries.period import latest, period
from queries.report import read_report
from store import NotPermitted, clock
from store.database import Argument
from tests.database.calls import GENERATION_ID, AuditLog, a_record, an_event, field_of, start_generation
from tests.database.gateway import Person
from tests.database.sides import ADMIN, COLLEAGUE, ENGINEER, MACHINE, STRANGER, Side

RECORDING: list[tuple[str, dict[str, Argument]]] = [
    ("start_generation", {"p_generation": "{}", "p_limit_s": 60}),
    ("note_progress", {"p_generation_id": GENERATION_ID, "p_events_if_interrupted": "[]", "p_asked": False}),
    ("finish_generation", {"p_generation_id": GENERATION_ID, "p_record": '{"events": [{"action": "FORGED"}]}'}),
    ("close_interrupted_generations", {}),
]


@pytest.mark.parametrize(("function", "arguments"), RECORDING, ids=[case[0] for case in RECORDING])
@pytest.mark.parametrize("person", [ADMIN, ENGINEER, STRANGER, None], ids=str)
def test_only_the_orchestrator_records(
    side: Side, person: Person | None, function: str, arguments: dict[str, Argument], audit_log: AuditLog
) -> None:
    """No user's own token can record or forge an event, not even an admin's."""
    with pytest.raises(NotPermitted):
        side.seen_by(person).call(function, **arguments)
    assert audit_log.changes() == []


def test_a_run_is_recorded_once(side: Side, audit_log: AuditLog) -> None:
    """Start, progress and end may each be repeated; the row and its one event exist once."""
    generation_id, machine = start_generation(side, ENGINEER), side.seen_by(MACHINE)
    outcome = a_record()
    told = machine.call("note_progress", p_generation_id=generation_id, p_events_if_interrupted="[]", p_asked=False)
    assert told == {"status": "running"}
    first = machine.call("finish_generation", p_generation_id=generation_id, p_record=outcome)
    again = machine.call("finish_generation", p_generation_id=generation_id, p_record=outcome)
    assert first == again == {"status": "succeeded"}
    assert audit_log.changes() == ["WORKFLOW_GENERATED"]


def test_an_overdue_run_is_closed(side: Side, audit_log: AuditLog) -> None:
    """What a dead process left behind is recorded by the next one, once."""
    generation_id = start_generation(
        side,
        ENGINEER,
        limit_s=0,
        events_if_interrupted=[an_event("WORKFLOW_GENERATION_CANCELLED", cause="interrupted")],
    )
    assert side.seen_by(MACHINE).call("close_interrupted_generations") == {"closed": 1}
    assert side.seen_by(MACHINE).call("close_interrupted_generations") == {"closed": 0}
    assert (
        field_of(side.seen_by(ENGINEER).call("get_workflow", p_generation_id=generation_id), "status") == "interrupted"
    )
    assert audit_log.changes() == ["WORKFLOW_GENERATION_CANCELLED"]


def test_a_workflow_is_the_same_on_both_sides(embedded_side: Side, supabase_side: Side) -> None:
    """Steps, money, instants and nulls of one row, read twice, are identical to the character."""
    generation_id = start_generation(embedded_side, ENGINEER)
    embedded_side.seen_by(MACHINE).call("finish_generation", p_generation_id=generation_id, p_record=a_record())
    first = embedded_side.seen_by(ENGINEER).call("get_workflow", p_generation_id=generation_id)
    second = supabase_side.seen_by(ENGINEER).call("get_workflow", p_generation_id=generation_id)
    assert json.dumps(first) == json.dumps(second)
    assert field_of(first, "cost_usd") == "0.001"
    assert field_of(first, "prompt") == 'Ask ‘why?’ 👍\n"שלום"'


def test_figures_are_the_same_on_both_sides(embedded_side: Side, supabase_side: Side) -> None:
    """The whole report, with money to the last digit, read in two ways."""
    generation_id = start_generation(embedded_side, ENGINEER)
    embedded_side.seen_by(MACHINE).call("finish_generation", p_generation_id=generation_id, p_record=a_record())
    today = clock.system().date()
    days = period(today - timedelta(days=1), today + timedelta(days=1), "Asia/Kathmandu")
    first, second = (
        read_report(side.seen_by(ENGINEER), days, Filters("all")) for side in (embedded_side, supabase_side)
    )
    assert first == second
    assert first["generations"] > 0


@pytest.mark.parametrize("person", [STRANGER, None], ids=str)
def test_figures_are_for_users_of_the_console(side: Side, person: Person | None) -> None:
    """Being signed in is not enough."""
    with pytest.raises(NotPermitted):
        read_report(side.seen_by(person), latest(1, "UTC", clock.system()), Filters("all"))


def test_a_workflow_is_seen_by_its_owner_and_admins(side: Side) -> None:
    """Nobody else learns that it exists."""
    generation_id = start_generation(side, ENGINEER)

    def seen_by(person: Person) -> bool:
        return side.seen_by(person).call("get_workflow", p_generation_id=generation_id) is not None

    assert [seen_by(person) for person in (ENGINEER, ADMIN, COLLEAGUE, STRANGER, MACHINE)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_nobody_in_particular_sees_no_workflow(side: Side) -> None:
    """Without a sign-in there is no access at all."""
    with pytest.raises(NotPermitted):
        side.seen_by(None).call("get_workflow", p_generation_id=GENERATION_ID)
