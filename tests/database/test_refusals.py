"""A refusal by the database is the same error on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest

from store import Conflict, InvalidInput, NotPermitted, NotSignedIn, StoreError, Unavailable
from store.database import Argument
from tests.database.calls import SECRET
from tests.database.sides import ENGINEER, Side

OWN_SENTENCE = "A sentence of the function."


@dataclass(frozen=True, slots=True)
class State:
    """An SQLSTATE and our error for it; `sentence` is None if only the class matters."""

    state: str
    kind: type[StoreError]
    sentence: str | None = None


STATES = [
    State("PT400", InvalidInput, OWN_SENTENCE),
    State("PT401", NotSignedIn, OWN_SENTENCE),
    State("PT403", NotPermitted, OWN_SENTENCE),
    State("PT409", Conflict, OWN_SENTENCE),
    State("P0001", InvalidInput),
    State("22023", InvalidInput),
    State("22P02", InvalidInput),
    State("23502", InvalidInput),
    State("23514", InvalidInput),
    State("23505", Conflict),
    State("40P01", Conflict),
    State("42501", NotPermitted),
    State("42P01", Unavailable),
    State("53100", Unavailable),
    State("57014", Unavailable),
    State("58030", Unavailable),
    State("XX000", StoreError),
]


@pytest.mark.parametrize("case", STATES, ids=lambda case: case.state)
def test_each_state_is_one_error(side: Side, case: State) -> None:
    """A refusal has the same class on both sides, and its message is from our SQL or our own."""
    with pytest.raises(StoreError) as caught:
        side.seen_by(ENGINEER).call("probe_refuse", p_state=case.state, p_value=SECRET)
    assert type(caught.value) is case.kind
    assert (str(caught.value) == OWN_SENTENCE) == (case.sentence is not None)


@pytest.mark.parametrize("state", [case.state for case in STATES])
def test_refusals_read_alike_on_both_sides(embedded_side: Side, supabase_side: Side, state: str) -> None:
    """The message does not reveal which database refused."""
    messages = []
    for side in (embedded_side, supabase_side):
        with pytest.raises(StoreError) as caught:
            side.seen_by(ENGINEER).call("probe_refuse", p_state=state, p_value=SECRET)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@dataclass(frozen=True, slots=True)
class Missing:
    """A call that matches no function."""

    name: str
    function: str
    arguments: dict[str, Argument]


MISSING = [
    Missing("function", "no_such_function", {}),
    Missing("argument", "whoami", {"p_no_such_argument": 1}),
    Missing("private function", "append_events", {"events": []}),
    Missing("qualified name", "private.append_events", {"events": []}),
    Missing("SQL in the name", "whoami(); delete from public.audit_logs; --", {}),
]


@pytest.mark.parametrize("case", MISSING, ids=lambda case: case.name)
def test_a_missing_function_names_the_remedy(side: Side, case: Missing) -> None:
    """With an older schema, the message says what to run."""
    with pytest.raises(Unavailable, match="python -m store migrate"):
        side.seen_by(ENGINEER).call(case.function, **case.arguments)


def test_a_function_that_promises_not_to_write_cannot(side: Side, project_owner: psycopg.Connection) -> None:
    """A write in a STABLE function is rejected and leaves no row."""
    value = str(uuid4())
    with pytest.raises(StoreError):
        side.seen_by(ENGINEER).call("probe_write_quietly", p_value=value)
    assert _probe_rows(project_owner, value) == 0


def test_a_write_is_there_when_the_call_returns(side: Side, project_owner: psycopg.Connection) -> None:
    """A call is one transaction, committed before it answers."""
    value = str(uuid4())
    assert side.seen_by(ENGINEER).call("probe_write", p_value=value) == value
    assert _probe_rows(project_owner, value) == 1


def test_a_second_row_with_the_same_key_is_a_conflict(side: Side) -> None:
    """A unique key rejects the second row."""
    value = str(uuid4())
    side.seen_by(ENGINEER).call("probe_write", p_value=value)
    with pytest.raises(Conflict):
        side.seen_by(ENGINEER).call("probe_write", p_value=value)


def test_a_refusal_at_commit_reaches_the_caller(side: Side, project_owner: psycopg.Connection) -> None:
    """A deferred check fails the call, after the function itself has answered."""
    value = f"late {uuid4()}"
    with pytest.raises(Conflict, match=r"Too late\."):
        side.seen_by(ENGINEER).call("probe_write", p_value=value)
    assert _probe_rows(project_owner, value) == 0


def test_a_statement_that_takes_too_long_is_ended(side: Side) -> None:
    """The database's own time limit ends the call, with a message that says so."""
    with pytest.raises(Unavailable, match="took too long"):
        side.seen_by(ENGINEER).call("probe_slow")


UNREADABLE: list[tuple[str, dict[str, Argument]]] = [
    ("text for an integer", {"p_number": SECRET}),
    ("integer beyond bigint", {"p_number": 2**63}),
    ("text for an instant", {"p_at": SECRET}),
    ("text for a boolean", {"p_flag": SECRET}),
    ("zero character in a text", {"p_text": f"{SECRET}\x00"}),
    ("zero character in JSON", {"p_json": [f"{SECRET}\x00"]}),
    ("half a character in a text", {"p_text": f"{SECRET}\ud800"}),
    ("half a character in JSON", {"p_json": [f"{SECRET}\ud800"]}),
    ("no number in JSON", {"p_json": [float("nan")]}),
]


@pytest.mark.parametrize("arguments", [case[1] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE])
def test_a_value_that_cannot_be_stored_is_invalid_input(side: Side, arguments: dict[str, Argument]) -> None:
    """A value that no column can hold is the caller's mistake on both sides, and is not quoted."""
    with pytest.raises(InvalidInput) as caught:
        side.seen_by(ENGINEER).call("probe_echo", **arguments)
    assert SECRET not in f"{caught.value} {caught.value!r}"


def test_a_number_that_is_too_large_is_invalid_input(side: Side) -> None:
    """An integer parameter has four bytes; the function is not reported as missing."""
    with pytest.raises(InvalidInput):
        side.seen_by(ENGINEER).call("probe_many", p_count=2**31)


def test_a_sentence_of_another_function_is_not_repeated(side: Side) -> None:
    """Only messages written for users pass; others may quote what was sent."""
    with pytest.raises(InvalidInput) as caught:
        side.seen_by(ENGINEER).call("probe_quote", p_value=SECRET)
    assert SECRET not in f"{caught.value} {caught.value!r}"


def _probe_rows(owner: psycopg.Connection, value: str) -> int:
    row = owner.execute("select count(*) from public.probe_rows where value = %s", [value]).fetchone()
    assert row
    return int(row[0])
