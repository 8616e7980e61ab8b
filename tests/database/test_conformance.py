"""`Database.call` is one thing: the embedded side and supabase-py over PostgREST answer and refuse alike."""

from __future__ import annotations

import json
import socket
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from queries.filters import Filters
from queries.period import latest, period
from queries.report import read_report
from store import (
    Conflict,
    Database,
    InvalidInput,
    Json,
    NotPermitted,
    NotSignedIn,
    StoreError,
    Unavailable,
    cluster,
    embedded,
    supabase,
)
from store.cluster import Cluster
from store.database import Argument
from store.identity import Identity, PasswordLogin
from tests.database.conftest import (
    ADMIN,
    COLLEAGUE,
    EXPIRED,
    EXPIRED_ONCE,
    FORGED,
    GARBAGE,
    MACHINE,
    MEMBER,
    SHORT,
    STRANGER,
    MakeSupabaseStore,
    Side,
)
from tests.database.gateway import API_KEY, Gateway, Person, serving

OWN_SENTENCE = "A sentence of the function."
SECRET = "a secret that was sent"


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value as SQL writes it and as Python reads it."""

    name: str
    text: str
    value: Json


VALUES = [
    Value("null", "null", None),
    Value("true", "true", True),
    Value("false", "false", False),
    Value("zero", "0", 0),
    Value("bigint", "-9223372036854775808", -9223372036854775808),
    Value("beyond bigint", "123456789012345678901234567890", 123456789012345678901234567890),
    Value("fraction", "0.1", 0.1),
    Value("exponent", "1e-7", 1e-7),
    Value("empty text", '""', ""),
    Value("text", '"a \\"quoted\\" \\\\ line\\nand \\t more"', 'a "quoted" \\ line\nand \t more'),
    Value("text that looks like JSON", '"{\\"a\\": 1}"', '{"a": 1}'),
    Value("emoji and right to left", '"👩‍👩‍👧 שלום مرحبا"', "👩‍👩‍👧 שלום مرحبا"),
    Value("empty array", "[]", []),
    Value("array", '[1, "a", null, true, [2.5], {}]', [1, "a", None, True, [2.5], {}]),
    Value("empty object", "{}", {}),
    Value("object", '{"": 1, "a": {"b": [null, {"c": "d"}]}}', {"": 1, "a": {"b": [None, {"c": "d"}]}}),
    Value("object like an error", '{"code": "42501", "message": "no"}', {"code": "42501", "message": "no"}),
]


@pytest.mark.parametrize("case", VALUES, ids=lambda case: case.name)
def test_every_json_value_comes_back(side: Side, case: Value) -> None:
    """Whatever a function answers is the same Python value, of the same type."""
    answer = side.seen_by(MEMBER).call("probe_value", p_json=case.text)
    assert answer == case.value
    assert type(answer) is type(case.value)


TEXTS = [
    "",
    " ",
    "it's a 'quote', a \"double\" one, $1 %s %(a)s {} \\ /* -- ;",
    "line\nline\r\n\ttab \u2028 \x7f",
    "👩‍👩‍👧‍👦🇩🇪 ünïcödé e\u0301",
    "שלום \u202eمرحبا\u202c",
    "null",
    '{"a": 1}',
    "ab" * 100_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text_arrives_unchanged(side: Side, text: str) -> None:
    """No character of a text argument is lost, escaped or read as SQL or JSON."""
    answer = side.seen_by(MEMBER).call("probe_echo", p_text=text)
    assert (_field(answer, "text"), _field(answer, "characters")) == (text, len(text))


JSONS: list[Argument] = [
    {},
    [],
    [None, True, 0, 9223372036854775807, 0.5, "a'\"\\\n👍"],
    {"a": {"b": [{"c": None}, [[]]]}, "": "שלום", "quote'\"": "{}"},
    ["0.10", {"cost_usd": "12345678901234567890.123456789"}],
]


@pytest.mark.parametrize("value", JSONS, ids=range(len(JSONS)))
def test_json_arrives_unchanged(side: Side, value: Argument) -> None:
    """An array or object is the same on its way in and out."""
    assert _field(side.seen_by(MEMBER).call("probe_echo", p_json=value), "json") == value


@dataclass(frozen=True, slots=True)
class Given:
    """An argument and how it comes back."""

    name: str
    argument: Argument
    answer: Json


GIVEN = [
    Given("text", None, None),
    Given("json", None, None),
    Given("number", None, None),
    Given("number", 0, 0),
    Given("number", 32768, 32768),
    Given("number", -2147483649, -2147483649),
    Given("number", 9223372036854775807, 9223372036854775807),
    Given("flag", True, True),
    Given("flag", False, False),
    Given("flag", None, None),
    Given("at", "2026-11-22T12:00:00.123456+01:00", "2026-11-22T11:00:00.123456+00:00"),
    Given("at", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00+00:00"),
    Given("at", None, None),
]


@pytest.mark.parametrize("case", GIVEN, ids=lambda case: f"{case.name}={case.argument}")
def test_arguments_keep_their_type(side: Side, case: Given) -> None:
    """Numbers, booleans, instants and nulls reach the function as what they are."""
    answer = side.seen_by(MEMBER).call("probe_echo", **{f"p_{case.name}": case.argument})
    assert _field(answer, case.name) == case.answer


def test_arguments_left_out_have_their_defaults(side: Side) -> None:
    """What is not given takes the function's default, which null does not."""
    expected = {"json": None, "text": "left out", "characters": 8, "number": 7, "flag": None, "at": None}
    assert side.seen_by(MEMBER).call("probe_echo") == expected


def test_values_of_sql_types_read_alike(side: Side) -> None:
    """Each SQL type has one form in JSON, instants in UTC."""
    assert side.seen_by(MEMBER).call("probe_types") == {
        "bigint": 9223372036854775807,
        "money": "12345678901234567890.123456789",
        "numeric": 0.25,
        "float": 1e-7,
        "timestamptz": "2026-11-22T11:00:00.123456+00:00",
        "date": "2026-11-22",
        "interval": "1 day 02:03:04",
        "uuid": "00000000-0000-4000-8000-000000000001",
        "array": ["a", None, "ü"],
        "null": None,
    }


def test_no_answer_is_none(side: Side) -> None:
    """An SQL null is None, as the JSON null is."""
    assert side.seen_by(MEMBER).call("probe_nothing") is None


def test_long_arrays_are_not_capped(side: Side) -> None:
    """A hosted project's limit of 1000 rows does not cut a JSON value."""
    assert side.seen_by(MEMBER).call("probe_many", p_count=3000) == [{"n": n + 1} for n in range(3000)]


@pytest.mark.parametrize("person", [ADMIN, MEMBER, MACHINE, STRANGER], ids=str)
def test_whoami_names_the_caller(side: Side, person: Person) -> None:
    """A signed-in user learns their id, address and role in the console."""
    expected = {"user_id": person.user_id, "email": person.email, "role": person.role}
    assert side.seen_by(person).call("whoami") == expected


def test_functions_see_the_role_of_the_caller(side: Side) -> None:
    """Functions run as `authenticated`, or as `anon` for nobody, and find what stands in `public`."""
    member = {"role": "authenticated", "user_id": MEMBER.user_id, "schema": "public"}
    nobody = {"role": "anon", "user_id": None, "schema": "public"}
    assert side.seen_by(MEMBER).call("probe_caller") == member
    assert side.seen_by(None).call("probe_caller") == nobody


def test_settings_are_the_same_on_both_sides(embedded_side: Side, supabase_side: Side) -> None:
    """One snapshot of the configuration, read twice, does not differ in a single character."""
    embedded_side.seen_by(ADMIN).call("save_settings", p_changes={"orchestrator_enable_fallback": True})
    first = embedded_side.seen_by(MEMBER).call("get_settings")
    second = supabase_side.seen_by(MEMBER).call("get_settings")
    assert json.dumps(first) == json.dumps(second)
    assert isinstance(_field(_field(_field(first, "settings"), "orchestrator_enable_fallback"), "updated_at"), str)


def test_an_admin_saves_settings(side: Side) -> None:
    """A save answers the new snapshot, one version on, with who made it."""
    database = side.seen_by(ADMIN)
    before = _settings(database)
    after = _save(database, {"orchestrator_enable_fallback": not before.fallback}, before.version)
    assert (after.version, after.fallback) == (before.version + 1, not before.fallback)
    assert after == _settings(side.seen_by(MEMBER))
    assert after.fallback_by == ADMIN.user_id


def test_a_save_that_changes_nothing_makes_no_version(side: Side) -> None:
    """Saving what is there already leaves version and history alone."""
    before = _settings(side.seen_by(ADMIN))
    assert _save(side.seen_by(ADMIN), {"orchestrator_enable_fallback": before.fallback}, None) == before


@pytest.mark.parametrize("person", [MEMBER, MACHINE, STRANGER, None], ids=str)
def test_only_an_admin_saves_settings(side: Side, person: Person | None) -> None:
    """Everybody else is refused, and nothing has changed."""
    before = _settings(side.seen_by(ADMIN))
    with pytest.raises(NotPermitted):
        side.seen_by(person).call("save_settings", p_changes={"orchestrator_enable_fallback": not before.fallback})
    assert _settings(side.seen_by(ADMIN)) == before


@pytest.mark.parametrize("person", [STRANGER, None], ids=str)
def test_only_users_of_the_console_read_settings(side: Side, person: Person | None) -> None:
    """Being signed in is not enough."""
    with pytest.raises(NotPermitted):
        side.seen_by(person).call("get_settings")


def test_the_slower_of_two_saves_is_told(side: Side) -> None:
    """A save on top of an older version is refused with the function's own sentence."""
    version = _settings(side.seen_by(ADMIN)).version
    with pytest.raises(Conflict, match="Somebody changed the settings since you loaded them"):
        _save(side.seen_by(ADMIN), {"orchestrator_enable_fallback": True}, version - 1)


@dataclass(frozen=True, slots=True)
class Refused:
    """A change of the settings that is refused, and the sentence."""

    key: str
    value: Json
    sentence: str


REFUSED = [
    Refused("orchestrator_primary_model", "gpt-5000", "orchestrator_primary_model must be one of claude-sonnet-4,"),
    Refused("orchestrator_fallback_model", None, "orchestrator_fallback_model must be one of claude-sonnet-4,"),
    Refused("orchestrator_enable_fallback", "true", "orchestrator_enable_fallback must be true or false."),
    Refused("orchestrator_speed", 1, "There is no such setting;"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.key)
def test_a_refused_setting_says_why(side: Side, case: Refused) -> None:
    """The function's own sentence reaches the caller, and the good half of the save is undone."""
    before = _settings(side.seen_by(ADMIN))
    changes: dict[str, Json] = {"orchestrator_enable_fallback": not before.fallback, case.key: case.value}
    with pytest.raises(InvalidInput, match=f"^{case.sentence}"):
        side.seen_by(ADMIN).call("save_settings", p_changes=changes)
    assert _settings(side.seen_by(ADMIN)) == before


@dataclass(frozen=True, slots=True)
class State:
    """An SQLSTATE and our error for it; `sentence` None where only the class counts."""

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
    """A refusal has the same class on both sides, and says what our SQL said or a sentence of our own."""
    with pytest.raises(StoreError) as caught:
        side.seen_by(MEMBER).call("probe_refuse", p_state=case.state, p_value=SECRET)
    assert type(caught.value) is case.kind
    assert (str(caught.value) == OWN_SENTENCE) == (case.sentence is not None)


@pytest.mark.parametrize("state", [case.state for case in STATES])
def test_refusals_read_alike_on_both_sides(embedded_side: Side, supabase_side: Side, state: str) -> None:
    """Nobody can tell from a message which database refused."""
    messages = []
    for side in (embedded_side, supabase_side):
        with pytest.raises(StoreError) as caught:
            side.seen_by(MEMBER).call("probe_refuse", p_state=state, p_value=SECRET)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@dataclass(frozen=True, slots=True)
class Missing:
    """A call that no function takes."""

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
    """An older schema is no riddle: the message says what to run."""
    with pytest.raises(Unavailable, match="python -m store migrate"):
        side.seen_by(MEMBER).call(case.function, **case.arguments)


def test_a_function_that_promises_not_to_write_cannot(side: Side, project_owner: psycopg.Connection) -> None:
    """A write behind a STABLE function is refused and leaves no row."""
    value = str(uuid4())
    with pytest.raises(StoreError):
        side.seen_by(MEMBER).call("probe_write_quietly", p_value=value)
    assert _probe_rows(project_owner, value) == 0


def test_a_write_is_there_when_the_call_returns(side: Side, project_owner: psycopg.Connection) -> None:
    """A call is one transaction, committed before it answers."""
    value = str(uuid4())
    assert side.seen_by(MEMBER).call("probe_write", p_value=value) == value
    assert _probe_rows(project_owner, value) == 1


def test_a_second_row_with_the_same_key_is_a_conflict(side: Side) -> None:
    """A unique key refuses the repetition."""
    value = str(uuid4())
    side.seen_by(MEMBER).call("probe_write", p_value=value)
    with pytest.raises(Conflict):
        side.seen_by(MEMBER).call("probe_write", p_value=value)


def test_a_refusal_at_commit_reaches_the_caller(side: Side, project_owner: psycopg.Connection) -> None:
    """A deferred check fails the call, after the function itself has answered."""
    value = f"late {uuid4()}"
    with pytest.raises(Conflict, match=r"Too late\."):
        side.seen_by(MEMBER).call("probe_write", p_value=value)
    assert _probe_rows(project_owner, value) == 0


def test_a_statement_that_takes_too_long_is_ended(side: Side) -> None:
    """The database's own time limit ends the call, with a sentence that says so."""
    with pytest.raises(Unavailable, match="took too long"):
        side.seen_by(MEMBER).call("probe_slow")


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
    """What no column can hold is the caller's mistake on both sides, and is not repeated."""
    with pytest.raises(InvalidInput) as caught:
        side.seen_by(MEMBER).call("probe_echo", **arguments)
    assert SECRET not in f"{caught.value} {caught.value!r}"


def test_a_number_that_is_too_large_is_invalid_input(side: Side) -> None:
    """A parameter of type integer takes four bytes, and its function is not taken for missing."""
    with pytest.raises(InvalidInput):
        side.seen_by(MEMBER).call("probe_many", p_count=2**31)


def test_a_sentence_of_another_function_is_not_repeated(side: Side) -> None:
    """Only sentences written for people pass; others may quote what was sent."""
    with pytest.raises(InvalidInput) as caught:
        side.seen_by(MEMBER).call("probe_quote", p_value=SECRET)
    assert SECRET not in f"{caught.value} {caught.value!r}"


# --- recording

RUN_ID = "00000000-0000-4000-8000-0000000000aa"
RECORDING: list[tuple[str, dict[str, Argument]]] = [
    ("start_generation", {"p_run": "{}", "p_limit_s": 60}),
    ("note_progress", {"p_generation_id": RUN_ID, "p_events_if_interrupted": "[]"}),
    ("finish_generation", {"p_generation_id": RUN_ID, "p_outcome": '{"events": [{"action": "FORGED"}]}'}),
    ("close_interrupted_generations", {}),
]


@pytest.mark.parametrize(("function", "arguments"), RECORDING, ids=[case[0] for case in RECORDING])
@pytest.mark.parametrize("person", [ADMIN, MEMBER, STRANGER, None], ids=str)
def test_only_the_orchestrator_records(
    side: Side, person: Person | None, function: str, arguments: dict[str, Argument], audit_log: AuditLog
) -> None:
    """No person's own token can record or forge an event, an admin's neither."""
    with pytest.raises(NotPermitted):
        side.seen_by(person).call(function, **arguments)
    assert audit_log.changes() == []


def test_a_run_is_recorded_once(side: Side, audit_log: AuditLog) -> None:
    """Start, progress and outcome may each be repeated; the row and its one event are there once."""
    run_id, machine = _start(side, MEMBER), side.seen_by(MACHINE)
    outcome = _outcome()
    assert machine.call("note_progress", p_generation_id=run_id, p_events_if_interrupted="[]") == {}
    first = machine.call("finish_generation", p_generation_id=run_id, p_outcome=outcome)
    again = machine.call("finish_generation", p_generation_id=run_id, p_outcome=outcome)
    assert first == again == {"status": "succeeded"}
    assert audit_log.changes() == ["WORKFLOW_GENERATED"]


def test_an_overdue_run_is_closed(side: Side, audit_log: AuditLog) -> None:
    """What a dead process left behind is booked by the next one, once."""
    events: Json = [{"id": str(uuid4()), "action": "WORKFLOW_GENERATION_CANCELLED"}]
    run_id = _start(side, MEMBER, limit_s=-1, events_if_interrupted=events)
    assert side.seen_by(MACHINE).call("close_interrupted_generations") == {"closed": 1}
    assert side.seen_by(MACHINE).call("close_interrupted_generations") == {"closed": 0}
    assert _field(side.seen_by(MEMBER).call("get_workflow", p_generation_id=run_id), "status") == "interrupted"
    assert audit_log.changes() == ["WORKFLOW_GENERATION_CANCELLED"]


def test_a_workflow_is_the_same_on_both_sides(embedded_side: Side, supabase_side: Side) -> None:
    """Steps, money, instants and nulls of one row, read twice, do not differ in a single character."""
    run_id = _start(embedded_side, MEMBER)
    embedded_side.seen_by(MACHINE).call("finish_generation", p_generation_id=run_id, p_outcome=_outcome())
    first = embedded_side.seen_by(MEMBER).call("get_workflow", p_generation_id=run_id)
    second = supabase_side.seen_by(MEMBER).call("get_workflow", p_generation_id=run_id)
    assert json.dumps(first) == json.dumps(second)
    assert _field(first, "cost_usd") == "0.001234567890123456789"
    assert _field(first, "prompt") == 'Ask ‘why?’ 👍\n"שלום"'


def test_figures_are_the_same_on_both_sides(embedded_side: Side, supabase_side: Side) -> None:
    """The whole report, money to the last digit, read by two ways."""
    run_id = _start(embedded_side, MEMBER)
    embedded_side.seen_by(MACHINE).call("finish_generation", p_generation_id=run_id, p_outcome=_outcome())
    today = datetime.now(UTC).date()
    days = period(today - timedelta(days=1), today + timedelta(days=1), "Asia/Kathmandu")
    first, second = (read_report(side.seen_by(MEMBER), days, Filters("all")) for side in (embedded_side, supabase_side))
    assert first == second
    assert first["generations"] > 0


@pytest.mark.parametrize("person", [STRANGER, None], ids=str)
def test_figures_are_for_users_of_the_console(side: Side, person: Person | None) -> None:
    """Being signed in is not enough."""
    with pytest.raises(NotPermitted):
        read_report(side.seen_by(person), latest(1, "UTC", datetime.now(UTC)), Filters("all"))


def test_a_workflow_is_seen_by_its_owner_and_admins(side: Side) -> None:
    """Nobody else learns that it exists."""
    run_id = _start(side, MEMBER)

    def seen_by(person: Person) -> bool:
        return side.seen_by(person).call("get_workflow", p_generation_id=run_id) is not None

    assert [seen_by(person) for person in (MEMBER, ADMIN, COLLEAGUE, STRANGER, MACHINE)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_nobody_in_particular_sees_no_workflow(side: Side) -> None:
    """Without a sign-in there is no access at all."""
    with pytest.raises(NotPermitted):
        side.seen_by(None).call("get_workflow", p_generation_id=RUN_ID)


# --- the audit log by other doors


class AuditLog:
    """The audit log before and after."""

    def __init__(self, owner: psycopg.Connection) -> None:
        self._owner = owner
        self._before = self._rows()

    def changes(self) -> list[str]:
        """Actions of the events that came; fails when one that was there has changed or gone."""
        now = self._rows()
        assert self._before.items() <= now.items()
        return [action for key, (action, _) in now.items() if key not in self._before]

    def _rows(self) -> dict[str, tuple[str, str]]:
        rows = self._owner.execute("select id::text, action, to_jsonb(a)::text from public.audit_logs as a")
        return {key: (action, text) for key, action, text in rows}


@pytest.fixture(name="audit_log")
def audit_log_fixture(project_owner: psycopg.Connection) -> AuditLog:
    """The audit log of the shared database, remembered as it is when the test begins."""
    return AuditLog(project_owner)


@pytest.fixture(name="http")
def http_fixture(url: str) -> Iterator[httpx.Client]:
    """A plain client of the project's REST address with nothing but the publishable key."""
    with httpx.Client(base_url=f"{url}/rest/v1", headers={"apikey": API_KEY}, trust_env=False) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Forgery:
    """A request that would write the audit log or what guards it."""

    method: str
    path: str
    body: Json = None
    headers: tuple[tuple[str, str], ...] = ()


EVENT: Json = {"id": RUN_ID, "action": "FORGED", "details": {"sample": True}}
FORGERIES = [
    Forgery("POST", "/audit_logs", EVENT),
    Forgery("POST", "/audit_logs", [EVENT], (("prefer", "resolution=merge-duplicates"),)),
    Forgery("PUT", f"/audit_logs?id=eq.{RUN_ID}", EVENT),
    Forgery("PATCH", "/audit_logs?action=neq.x", {"severity": "info"}),
    Forgery("DELETE", "/audit_logs?action=neq.x"),
    Forgery("POST", "/rpc/append_events", {"events": [EVENT]}),
    Forgery("POST", "/rpc/append_events", {"events": [EVENT]}, (("content-profile", "private"),)),
    Forgery("POST", "/console_roles", {"user_id": STRANGER.user_id, "role": "orchestrator"}),
    Forgery("PATCH", "/console_roles?role=neq.x", {"role": "orchestrator"}),
    Forgery("PATCH", "/system_settings_config?key=neq.x", {"value": True}),
    Forgery("POST", "/system_settings_history", {"version": 1, "key": "a", "changed_by": "b"}),
    Forgery("DELETE", "/workflows?status=neq.x"),
    Forgery("PATCH", "/model_prices?model=neq.x", {"input_usd_per_mtok": 0}),
]


@pytest.mark.parametrize("case", FORGERIES, ids=lambda case: f"{case.method} {case.path}")
@pytest.mark.parametrize("person", [ADMIN, MEMBER, MACHINE, STRANGER, None], ids=str)
def test_no_request_writes_a_table(
    http: httpx.Client, audit_log: AuditLog, case: Forgery, person: Person | None
) -> None:
    """Tables are for reading: the REST address writes none of them, whoever asks."""
    token = {"authorization": f"Bearer {person.new_token()}"} if person else {}
    answer = http.request(case.method, case.path, json=case.body, headers=dict(case.headers) | token)
    assert answer.status_code in (401, 403, 404, 406)
    assert answer.json()["code"] in ("42501", "PGRST202", "PGRST106")
    assert audit_log.changes() == []


@pytest.mark.parametrize("person", [STRANGER, None], ids=str)
@pytest.mark.parametrize("table", ["audit_logs", "workflows", "system_settings_config", "system_settings_history"])
def test_a_table_shows_strangers_nothing(http: httpx.Client, table: str, person: Person | None) -> None:
    """Row-level security holds on the REST address too."""
    token = {"authorization": f"Bearer {person.new_token()}"} if person else {}
    answer = http.get(f"/{table}", headers=token)
    assert (answer.status_code, answer.json() if person else []) == (200 if person else 401, [])


def test_other_keys_of_the_settings_table_are_nobodys_business(
    http: httpx.Client, project_owner: psycopg.Connection
) -> None:
    """An earlier system may keep secrets beside the three system keys."""
    project_owner.execute(
        "insert into public.system_settings_config (key, value) values ('smtp_password', '\"s3cret\"')"
    )
    try:
        token = {"authorization": f"Bearer {MEMBER.new_token()}"}
        shown = http.get("/system_settings_config?select=key", headers=token).json()
    finally:
        project_owner.execute("delete from public.system_settings_config where key = 'smtp_password'")

    assert sorted(row["key"] for row in shown) == [
        "orchestrator_enable_fallback", "orchestrator_fallback_model", "orchestrator_primary_model",
    ]  # fmt: skip


STATEMENTS = [
    "insert into public.audit_logs (action) values ('FORGED')",
    "update public.audit_logs set severity = 'info'",
    "delete from public.audit_logs",
    "truncate public.audit_logs",
    "copy public.audit_logs from stdin",
    "alter table public.audit_logs disable trigger all",
    "drop table public.audit_logs",
    "select private.append_events('[]')",
    "select private.close_overdue()",
    "insert into public.console_roles (user_id, role) values (gen_random_uuid(), 'admin')",
    "update public.system_settings_config set value = 'true'",
    "delete from public.workflows",
    "create table public.mine (n integer)",
    "create function private.mine() returns integer language sql as 'select 1'",
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_no_statement_of_a_request_role_writes_a_table(
    server: Cluster, project: str, audit_log: AuditLog, role: str, statement: str
) -> None:
    """The same behind the embedded side: grants stand in the way before any policy does."""
    with psycopg.connect(server.dsn(cluster.AUTHENTICATOR, project)) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
    assert audit_log.changes() == []


@pytest.mark.parametrize("statement", [STATEMENTS[1], STATEMENTS[2], STATEMENTS[3]])
def test_even_the_owner_changes_no_past_event(
    project_owner: psycopg.Connection, embedded_side: Side, statement: str
) -> None:
    """The log is append-only for whoever runs the migrations."""
    machine = embedded_side.seen_by(MACHINE)
    machine.call("finish_generation", p_generation_id=_start(embedded_side, MEMBER), p_outcome=_outcome())
    with pytest.raises(psycopg.Error, match="append-only"):
        project_owner.execute(statement.encode())


# --- signing in, and a project that does not answer


@pytest.mark.parametrize("email", [MEMBER.email, "nobody@example.com"])
def test_a_wrong_password_is_not_signed_in(url: str, make_supabase_store: MakeSupabaseStore, email: str) -> None:
    """Auth's refusal names the address, and never what was typed as the password."""
    database = make_supabase_store(url).database(PasswordLogin(email, SECRET))
    with pytest.raises(NotSignedIn, match=email) as caught:
        database.call("whoami")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("person", [EXPIRED, GARBAGE, FORGED], ids=str)
def test_a_token_that_is_not_good_is_not_signed_in(supabase_side: Side, person: Person) -> None:
    """An expired, garbled or forged token is refused, and never taken for nobody in particular."""
    with pytest.raises(NotSignedIn) as caught:
        supabase_side.seen_by(person).call("probe_caller")
    shown = "".join(traceback.format_exception(caught.value))
    assert person.new_token().rpartition(".")[2] not in shown
    assert person.login.password not in shown


def test_a_refused_token_is_not_used_again(supabase_side: Side) -> None:
    """After a refusal (the machine slept, the project's secret changed) the next call signs in anew."""
    database = supabase_side.seen_by(EXPIRED_ONCE)
    with suppress(NotSignedIn):
        database.call("whoami")
    assert _field(database.call("whoami"), "email") == EXPIRED_ONCE.email


def test_a_session_is_renewed_before_it_ends(supabase_side: Side, gateway: Gateway) -> None:
    """A token with less than a minute to go is not used for another call."""
    before = gateway.sign_ins[SHORT.email]
    for _ in range(2):
        supabase_side.seen_by(SHORT).call("whoami")
    assert gateway.sign_ins[SHORT.email] == before + 2


def test_threads_share_one_sign_in(url: str, gateway: Gateway, make_supabase_store: MakeSupabaseStore) -> None:
    """Sixteen first calls at once sign in once."""
    before, database = gateway.sign_ins[COLLEAGUE.email], make_supabase_store(url).database(COLLEAGUE.login)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: _field(database.call("whoami"), "email"), range(16)))
    assert answers == [COLLEAGUE.email] * 16
    assert gateway.sign_ins[COLLEAGUE.email] == before + 1


def test_threads_never_cross_identities(side: Side) -> None:
    """Sixteen threads with three identities over one pool each get their own answers."""
    people = (ADMIN, MEMBER, None)
    databases = [side.seen_by(person) for person in people]
    expected = [person.user_id if person else None for person in people]

    def ask(number: int) -> Json:
        return _field(databases[number % 3].call("probe_caller"), "user_id")

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(ask, range(480)))
    assert answers == [expected[number % 3] for number in range(480)]


@pytest.mark.parametrize("person", [MEMBER, None], ids=str)
def test_a_project_that_is_down_is_unavailable_at_once(
    make_supabase_store: MakeSupabaseStore, person: Person | None
) -> None:
    """A refused connection is told without waiting and trying again."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        database = make_supabase_store(_address(silent)).database(person.login if person else None)
        started = time.monotonic()
        with pytest.raises(Unavailable, match="SUPABASE_URL"):
            database.call("whoami")
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("person", [MEMBER, None], ids=str)
def test_a_project_that_never_answers_is_unavailable_at_the_limit(
    make_supabase_store: MakeSupabaseStore, monkeypatch: pytest.MonkeyPatch, person: Person | None
) -> None:
    """A connection that stays silent ends at the time limit, signing in as well as calling."""
    monkeypatch.setattr(supabase, "_TIME_LIMITS", httpx.Timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = make_supabase_store(_address(silent)).database(person.login if person else None)
        started = time.monotonic()
        with pytest.raises(Unavailable, match="SUPABASE_URL"):
            database.call("whoami")
        assert time.monotonic() - started < 2


def test_an_embedded_server_that_is_gone_is_unavailable_at_the_limit(
    server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for a connection ends, with a sentence about the embedded database."""
    monkeypatch.setattr(embedded, "_WAIT_LIMIT_S", 0.2)
    with embedded.open_pool(server.dsn(cluster.AUTHENTICATOR, "no_such_database")) as pool:
        database = embedded.EmbeddedDatabase(pool, Identity(MEMBER.user_id))
        with pytest.raises(Unavailable, match="embedded database"):
            database.call("whoami")


@dataclass(frozen=True, slots=True)
class Answer:
    """What something else than Supabase answers at its address."""

    name: str
    status: int
    body: str
    media_type: str = "text/html"


ANSWERS = [
    Answer("sign-in page of a network", 200, "<html>Welcome to the hotel</html>"),
    Answer("JSON of something else", 200, "{}", "application/json"),
    Answer("nothing", 200, ""),
    Answer("redirect", 302, ""),
    Answer("not found", 404, "<html>"),
    Answer("too many requests", 429, '{"code": 429, "error_code": "over_request_rate_limit"}', "application/json"),
    Answer("server error", 500, "<html>"),
    Answer("server error in JSON", 500, '{"code": 500, "error_code": "unexpected_failure"}', "application/json"),
    Answer("bad gateway", 502, "<html>"),
    Answer("paused project", 540, "<html>"),
]


# All but the one that nothing tells from data.
NO_DATA = [number for number, answer in enumerate(ANSWERS) if answer.name != "JSON of something else"]


@pytest.fixture(name="elsewhere", scope="module")
def elsewhere_fixture() -> Iterator[str]:
    """An address at which below `/<number>` each of the answers above is given."""

    def respond(request: Request) -> Response:
        answer = ANSWERS[request.path_params["number"]]
        return Response(answer.body, answer.status, media_type=answer.media_type)

    with serving(Starlette(routes=[Route("/{number:int}/{path:path}", respond, methods=["POST"])])) as url:
        yield url


@pytest.mark.parametrize("number", range(len(ANSWERS)), ids=[answer.name for answer in ANSWERS])
def test_a_sign_in_that_was_not_decided_is_unavailable(
    elsewhere: str, make_supabase_store: MakeSupabaseStore, number: int
) -> None:
    """Only Auth's own refusal blames the password; anything else is the project's trouble."""
    database = make_supabase_store(f"{elsewhere}/{number}").database(MEMBER.login)
    with pytest.raises(Unavailable) as caught:
        database.call("whoami")
    assert MEMBER.login.password not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("number", NO_DATA, ids=[ANSWERS[number].name for number in NO_DATA])
def test_an_answer_of_something_else_is_unavailable(
    elsewhere: str, make_supabase_store: MakeSupabaseStore, number: int
) -> None:
    """A page of some proxy is never taken for data, nor its status for one of the database's."""
    with pytest.raises(Unavailable):
        make_supabase_store(f"{elsewhere}/{number}").database(None).call("whoami")


@pytest.mark.parametrize("address", ["", "nonsense", "http://", "http://[", "ftp://example.com"])
def test_an_address_that_is_none_is_unavailable(make_supabase_store: MakeSupabaseStore, address: str) -> None:
    """A mistyped SUPABASE_URL is told by its name."""
    with pytest.raises(Unavailable, match="SUPABASE_URL"):
        make_supabase_store(address).database(None).call("whoami")


@pytest.mark.parametrize("person", [MEMBER, None], ids=str)
def test_a_wrong_key_is_told_by_its_name(
    url: str, make_supabase_store: MakeSupabaseStore, person: Person | None
) -> None:
    """A mistyped SUPABASE_KEY looks neither like a database that is down nor like a wrong password."""
    store = make_supabase_store(url, "sb_publishable_of-another-project")
    with pytest.raises(StoreError, match="SUPABASE_KEY"):
        store.database(person.login if person else None).call("probe_caller")


# --- words for the tests above


@dataclass(frozen=True, slots=True)
class Settings:
    """A snapshot of the configuration, as far as these tests look at it."""

    version: int
    fallback: bool
    fallback_by: str | None


def _settings_of(answer: Json) -> Settings:
    row = _field(_field(answer, "settings"), "orchestrator_enable_fallback")
    version, value, by = _field(answer, "version"), _field(row, "value"), _field(row, "updated_by")
    assert isinstance(version, int)
    assert isinstance(value, bool)
    assert by is None or isinstance(by, str)
    return Settings(version, value, by)


def _settings(database: Database) -> Settings:
    return _settings_of(database.call("get_settings"))


def _save(database: Database, changes: dict[str, Json], version: int | None) -> Settings:
    return _settings_of(database.call("save_settings", p_changes=changes, p_expected_version=version))


def _start(side: Side, person: Person, *, limit_s: int = 600, events_if_interrupted: Json = None) -> str:
    run_id = str(uuid4())
    run = {
        "generation_id": run_id,
        "user_id": person.user_id,
        "origin": "cli",
        "prompt": 'Ask ‘why?’ 👍\n"שלום"',
        "services": ["gmail", "a,b"],
        "events_if_interrupted": events_if_interrupted,
    }
    assert side.seen_by(MACHINE).call("start_generation", p_run=json.dumps(run), p_limit_s=limit_s) == {}
    return run_id


def _outcome() -> str:
    event = {"id": str(uuid4()), "action": "WORKFLOW_GENERATED", "user_id": MEMBER.user_id}
    return json.dumps(
        {
            "status": "succeeded",
            "generator_used": "gpt-4o-mini",
            "pilot_steps": [{"id": "1", "operation": "Say ‘hi’", "step_type": "transform"}],
            "cost_usd": "0.001234567890123456789",
            "finished_at": "2026-11-22T12:00:00.5+01:00",
            "events": [event],
        }
    )


def _probe_rows(owner: psycopg.Connection, value: str) -> int:
    row = owner.execute("select count(*) from public.probe_rows where value = %s", [value]).fetchone()
    assert row
    return int(row[0])


def _field(answer: Json, name: str) -> Json:
    assert isinstance(answer, dict)
    return answer[name]


def _address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
