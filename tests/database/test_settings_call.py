"""The settings are read and saved in the same way on both sides."""

from __future__ import annotations

import json
from dataclasses import dataclass

import psycopg
import pytest

from orchestrator.system_keys import SYSTEM_KEYS
from store import Conflict, Database, InvalidInput, Json, NotPermitted
from tests.database.calls import field_of
from tests.database.gateway import Person
from tests.database.sides import ADMIN, ENGINEER, MACHINE, STRANGER, Side


def test_settings_are_the_same_on_both_sides(embedded_side: Side, supabase_side: Side) -> None:
    """One snapshot of the settings, read twice, is identical to the character."""
    embedded_side.seen_by(ADMIN).call("save_settings", p_changes={"orchestrator_enable_fallback": True})
    first = embedded_side.seen_by(ENGINEER).call("get_settings")
    second = supabase_side.seen_by(ENGINEER).call("get_settings")
    assert json.dumps(first) == json.dumps(second)
    assert isinstance(
        field_of(field_of(field_of(first, "settings"), "orchestrator_enable_fallback"), "updated_at"), str
    )


def test_the_schema_lists_the_same_system_keys(owner: psycopg.Connection) -> None:
    """Names, kinds and defaults are those of the program."""
    rows = owner.execute("select key, kind, value from private.system_keys()").fetchall()

    assert rows == [(key.name, key.kind, key.default) for key in SYSTEM_KEYS.values()]


def test_an_admin_saves_settings(side: Side) -> None:
    """A save returns the new snapshot, with the next version and who made it."""
    database = side.seen_by(ADMIN)
    before = _settings(database)
    after = _save(database, {"orchestrator_enable_fallback": not before.fallback}, before.version)
    assert (after.version, after.fallback) == (before.version + 1, not before.fallback)
    assert after == _settings(side.seen_by(ENGINEER))
    assert after.fallback_by == ADMIN.user_id


def test_a_save_that_changes_nothing_makes_no_version(side: Side) -> None:
    """Saving the current values leaves version and history unchanged."""
    before = _settings(side.seen_by(ADMIN))
    assert _save(side.seen_by(ADMIN), {"orchestrator_enable_fallback": before.fallback}, None) == before


@pytest.mark.parametrize("person", [ENGINEER, MACHINE, STRANGER, None], ids=str)
def test_only_an_admin_saves_settings(side: Side, person: Person | None) -> None:
    """Everybody else is refused, and nothing changes."""
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
    """A save on top of an older version is rejected with the function's own message."""
    version = _settings(side.seen_by(ADMIN)).version
    with pytest.raises(Conflict, match="Somebody has changed the settings since you loaded them"):
        _save(side.seen_by(ADMIN), {"orchestrator_enable_fallback": True}, version - 1)


@dataclass(frozen=True, slots=True)
class Refused:
    """A change of the settings that is rejected, and the message."""

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
    """The function's own message reaches the caller, and the valid half of the save is undone."""
    before = _settings(side.seen_by(ADMIN))
    changes: dict[str, Json] = {"orchestrator_enable_fallback": not before.fallback, case.key: case.value}
    with pytest.raises(InvalidInput, match=f"^{case.sentence}"):
        side.seen_by(ADMIN).call("save_settings", p_changes=changes)
    assert _settings(side.seen_by(ADMIN)) == before


@dataclass(frozen=True, slots=True)
class Settings:
    """A snapshot of the settings, as far as these tests look at it."""

    version: int
    fallback: bool
    fallback_by: str | None


def _settings_of(answer: Json) -> Settings:
    row = field_of(field_of(answer, "settings"), "orchestrator_enable_fallback")
    version, value, by = field_of(answer, "version"), field_of(row, "value"), field_of(row, "updated_by")
    assert isinstance(version, int)
    assert isinstance(value, bool)
    assert by is None or isinstance(by, str)
    return Settings(version, value, by)


def _settings(database: Database) -> Settings:
    return _settings_of(database.call("get_settings"))


def _save(database: Database, changes: dict[str, Json], version: int | None) -> Settings:
    return _settings_of(database.call("save_settings", p_changes=changes, p_expected_version=version))
