"""The history of the settings."""

from __future__ import annotations

import psycopg

from orchestrator import read_settings, save_settings
from orchestrator.settings import DEFAULTS, ENABLE_FALLBACK_KEY, PRIMARY_KEY
from orchestrator.settings_history import read_history
from tests.conftest import PooledStore


def test_every_save_is_there_with_the_values_after_it(store: PooledStore, owner: psycopg.Connection) -> None:
    """Newest first, by name, and each with everything that is needed to return to it."""
    person = store.person()
    save_settings(person, {PRIMARY_KEY: "claude-sonnet-4"})
    owner.execute("update public.system_settings_config set value = 'false' where key = %s", [ENABLE_FALLBACK_KEY])
    save_settings(person, {PRIMARY_KEY: "gpt-4o-mini", ENABLE_FALLBACK_KEY: True})
    latest, by_hand, first = read_history(person, read_settings(person))

    assert [save.version for save in (latest, by_hand, first)] == [4, 3, 2]
    assert [save.changed_by for save in (latest, by_hand, first)] == [
        "you@this.machine",
        "postgres",
        "you@this.machine",
    ]
    assert by_hand.changes == {ENABLE_FALLBACK_KEY: (True, False)}
    assert latest.values == DEFAULTS
    assert by_hand.values == DEFAULTS | {PRIMARY_KEY: "claude-sonnet-4", ENABLE_FALLBACK_KEY: False}
    assert first.values == DEFAULTS | {PRIMARY_KEY: "claude-sonnet-4"}


def test_without_a_save_it_is_empty(store: PooledStore) -> None:
    """The defaults of a new database are nobody's change."""
    assert read_history(store.person(), read_settings(store.person())) == ()
