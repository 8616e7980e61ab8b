"""Every caller tries every function and every table; one table says what comes of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from store import Argument, Database, Json, NotPermitted, NotSignedIn, StoreError
from tests.hosted.callers import NAMES, SideName, World

ADMINS = {"admin", "without code", "with code"}
VIEWERS = ADMINS | {"pm"}
STAFF = VIEWERS | {"engineer"}
SIGNED_IN = set(NAMES) - {"nobody"}
NO_TOKEN = {"token revoked", "token unknown"}


@dataclass(frozen=True, slots=True)
class Row:
    """What one may do, who may, and the calls that do it.

    Attributes:
        callers: those who are let in; nobody else is.
        calls: functions, or a function that takes the name of a permission, and that name.
    """

    callers: set[str]
    calls: tuple[str, ...]
    second_factor: bool = False


def row(callers: set[str], permission: str | None, calls: str, *, second_factor: bool = False) -> list[Row]:
    """One row of the table, and asking for its permission, for which no second factor is needed."""
    asked = [Row(callers, (f"check_permission {permission}", f"admit_request {permission}"))] if permission else []
    return [Row(callers, tuple(calls.split()), second_factor), *asked]


TABLE: list[Row] = [
    *row(
        STAFF | {"token report"}, "read_figures",
        "get_figures list_generations list_agents_with_fallbacks has_sample_data",
    ),
    *row(
        STAFF | {"token report", "machine"}, "read_settings", "get_settings get_settings_history get_text_retention"
    ),
    *row(ADMINS | {"engineer", "token generate"}, "generate", ""),
    *row(
        {"machine"}, "record",
        "start_generation note_progress finish_generation close_interrupted_generations record_rating erase_old_texts",
    ),
    *row(ADMINS | {"engineer", "token generate"}, "read_own_workflows", ""),
    *row(ADMINS, "read_all_workflows", ""),
    *row(ADMINS, "change_settings", "save_settings", second_factor=True),
    *row(ADMINS, "change_sample_data", "add_sample_data remove_sample_data"),
    *row(ADMINS, "manage_people", "list_people list_api_tokens"),
    *row(ADMINS, None, "set_role make_api_token revoke_api_token", second_factor=True),
    *row(ADMINS, "erase_texts", "erase_texts set_text_retention", second_factor=True),
    *row(VIEWERS, "read_audit_log", "list_events get_event list_event_kinds note_audit_log_read"),
    *row({"machine", "token events"}, "record_executions", "record_executions"),
    *row(
        {"machine"}, "keep_sessions",
        "open_session read_session claim_renewal renew_session close_session begin_sign_in accept_sign_in "
        "refuse_sign_in keep_unfinished take_unfinished",
    ),
    # Says who somebody is, or shows what is theirs; what that is, the tests below look at.
    *row(SIGNED_IN, None, "whoami request_access check_setup get_workflow list_workflows list_rejected_outputs"),
]  # fmt: skip
"""Who may do what, by design; the database has the same in `private.permissions`, in its own words."""

# Every other argument is null: who may not do it is told so before anybody looks at the arguments.
ARGUMENTS: dict[str, dict[str, Argument]] = {
    "record_rating": {"p_score": 5},
    "refuse_sign_in": {"p_account": "0" * 64, "p_browser": {}},
    "set_role": {"p_person": "nobody@example.com"},
}


@pytest.fixture(name="functions")
def functions_fixture(world_owner: psycopg.Connection) -> dict[str, list[str]]:
    """The arguments of every public function."""
    query = "select proname, coalesce(proargnames, '{}') from pg_proc where pronamespace = 'public'::regnamespace"
    return dict(world_owner.execute(query).fetchall())


def test_the_table_has_every_function_and_permission(
    functions: dict[str, list[str]], world_owner: psycopg.Connection
) -> None:
    """Whoever adds one says here who may call it."""
    calls = [call for row in TABLE for call in row.calls]
    permissions = world_owner.execute("select permission from private.permissions()").fetchall()
    assert len(calls) == len(set(calls))
    assert {call.split()[0] for call in calls} == functions.keys()
    for function in ("check_permission", "admit_request"):
        assert {call.split()[1] for call in calls if call.startswith(function)} == {name for (name,) in permissions}


def expected(caller: str) -> dict[str, str]:
    """What comes of each call of a caller, as the table says."""
    refusal = "NotSignedIn" if caller in NO_TOKEN else "NotPermitted"
    outcomes: dict[str, str] = {}
    for entry in TABLE:
        lacks_code = entry.second_factor and caller == "without code"
        outcome = "allowed" if caller in entry.callers and not lacks_code else refusal
        outcomes |= dict.fromkeys(entry.calls, outcome)
    return outcomes


def outcome_of(database: Database, call: str, names: list[str]) -> str:
    """Whether a call is refused, and how; one that fails for its arguments is not."""
    function, *permission = call.split()
    arguments: dict[str, Argument] = dict.fromkeys(names, None)
    arguments |= ARGUMENTS.get(function, {}) | ({"p_permission": permission[0]} if permission else {})
    try:
        database.call(function, **arguments)
    except (NotPermitted, NotSignedIn) as error:
        return type(error).__name__
    except StoreError:
        pass
    return "allowed"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ["embedded", "hosted"])
def test_each_caller_may_do_what_the_table_says(
    world: World, functions: dict[str, list[str]], side: SideName, name: str
) -> None:
    """And nothing else, whether through psycopg or through PostgREST."""
    if (side, name) == ("embedded", "with code"):
        name = "without code"  # a level of sign-in is Supabase Auth's
    database, wanted = world.database(side, name), expected(name)
    found = {call: outcome_of(database, call, functions[call.split()[0]]) for call in wanted}
    assert found == wanted


PROMPTS = {name: f"What {name} wrote" for name in ("engineer", "admin", "token generate")}
SEES: dict[str, set[str]] = {
    **{name: set(PROMPTS) for name in ADMINS},
    "engineer": {"engineer"},
    "token generate": {"token generate"},
}
"""Whose workflows each caller reads; all others read none."""


@pytest.fixture(name="workflows", scope="module")
def workflows_fixture(world: World) -> dict[str, str]:
    """A workflow of each caller who may generate: id and who wrote it."""
    return {world.generate(name, prompt): name for name, prompt in PROMPTS.items()}


def listed(database: Database, function: str, **arguments: Argument) -> list[Any]:
    """The rows of a list; none for somebody who may not see it."""
    answer: Json = []
    with suppress(NotPermitted, NotSignedIn):
        answer = database.call(function, **arguments)
    assert isinstance(answer, list)
    return answer


def readable(database: Database, workflows: dict[str, str]) -> dict[str, set[str]]:
    """Whose texts somebody gets to see, by the way to them."""
    period: dict[str, Argument] = {"p_from": "2000-01-01", "p_to": "2200-01-01", "p_limit": 1000}
    opened = set()
    for generation_id, author in workflows.items():
        with suppress(NotPermitted, NotSignedIn):
            if database.call("get_workflow", p_generation_id=generation_id) is not None:
                opened.add(author)
    found = {
        author
        for author, prompt in PROMPTS.items()
        if listed(database, "list_generations", p_filters={"search": prompt.upper()}, **period)
    }

    def authors(rows: list[Any]) -> set[str]:
        return {workflows[row["generation_id"]] for row in rows if row["prompt"] and row["generation_id"] in workflows}

    return {
        "opened": opened,
        "listed": authors(listed(database, "list_workflows", p_limit=1000)),
        "prompts of the list of generations": authors(listed(database, "list_generations", p_filters={}, **period)),
        "rejected replies": authors(listed(database, "list_rejected_outputs", p_filters={}, **period)),
        "found by words of the prompt": found,
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ["embedded", "hosted"])
def test_each_caller_reads_their_own_workflows(
    world: World, workflows: dict[str, str], side: SideName, name: str
) -> None:
    """Admins read all; those who may not read figures find nothing by searching for words either."""
    sees = SEES.get(name, set())
    by_search = set() if name == "token generate" else sees
    wanted = dict.fromkeys(("opened", "listed", "rejected replies"), sees)
    wanted |= dict.fromkeys(("prompts of the list of generations", "found by words of the prompt"), by_search)
    assert readable(world.database(side, name), workflows) == wanted


READS: dict[str, dict[str, set[str]]] = {
    "audit_logs": {"all": VIEWERS, "own": SIGNED_IN - VIEWERS},
    "workflows": {"all": ADMINS, "own": SIGNED_IN - ADMINS},
    "console_roles": {"own": SIGNED_IN},
    "model_prices": {"all": SIGNED_IN},
    "system_settings_config": {"all": STAFF | {"machine", "token report"}},
    "system_settings_history": {"all": STAFF | {"machine", "token report"}},
    "access_requests": {},
    "generation_rollups": {},
    "attempt_rollups": {},
    "finding_rollups": {},
    "latency_rollups": {},
    "verdict_rollups": {},
}
"""Which rows of a table each caller reads through PostgREST; of a table that nobody reads, nobody is told anything."""


def shown(rest: httpx.Client, world: World, name: str, table: str) -> tuple[bool, list[dict[str, Any]]]:
    """Whether a caller may ask for a table at all, and the rows they get."""
    answer = rest.get(f"/{table}", headers=world.callers[name].headers)
    if answer.status_code == 200:
        return True, answer.json()
    assert (answer.status_code, answer.json()["code"]) == (401 if name == "nobody" else 403, "42501")
    return False, []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("workflows")
def test_each_caller_reads_their_rows_of_the_tables(
    world: World, world_owner: psycopg.Connection, rest: httpx.Client, tables: dict[str, str], name: str
) -> None:
    """Row-level security says the same as the functions."""
    assert tables.keys() == READS.keys()
    caller = world.callers[name]
    me = {caller.actor_id, caller.identity.user_id}
    for table, readers in READS.items():
        allowed, rows = shown(rest, world, name, table)
        assert allowed is (bool(readers) and name != "nobody"), table
        count = sql.SQL("select count(*) from public.{}").format(sql.Identifier(table))
        if name in readers.get("all", set()):
            if table == "system_settings_config":
                assert len(rows) == 3
            else:
                assert (len(rows),) == world_owner.execute(count).fetchone(), table
        elif name in readers.get("own", set()):
            assert all({row.get("actor_id"), row["user_id"]} & me for row in rows), table
        else:
            assert rows == [], table


@pytest.mark.parametrize("name", ["stranger", "machine", "token report", "token events", "pm", "withdrawn", "banned"])
@pytest.mark.usefixtures("workflows")
def test_who_generates_nothing_reads_no_workflow_directly(rest: httpx.Client, world: World, name: str) -> None:
    """Those for whom `own` above must mean none."""
    assert shown(rest, world, name, "workflows") == (True, [])
