"""The history of the settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from orchestrator import read_settings, save_settings
from orchestrator.settings_history import read_history
from orchestrator.system_keys import DEFAULTS, ENABLE_FALLBACK, PRIMARY
from tests.conftest import PooledStore


def test_every_save_is_there_with_the_values_after_it(store: PooledStore, owner: psycopg.Connection) -> None:
    """Newest first, with the user's name, and with everything needed to restore it."""
    person = store.person()
    save_settings(person, {PRIMARY.name: "claude-sonnet-4"})
    owner.execute("update public.system_settings_config set value = 'false' where key = %s", [ENABLE_FALLBACK.name])
    save_settings(person, {PRIMARY.name: "gpt-4o-mini", ENABLE_FALLBACK.name: True})
    latest, by_hand, first = read_history(person, read_settings(person))

    assert [save.version for save in (latest, by_hand, first)] == [4, 3, 2]
    assert [save.changed_by for save in (latest, by_hand, first)] == [
        "you@this.machine",
        "postgres",
        "you@this.machine",
    ]
    assert by_hand.changes == {ENABLE_FALLBACK.name: (True, False)}
    assert latest.values == DEFAULTS
    assert by_hand.values == DEFAULTS | {PRIMARY.name: "claude-sonnet-4", ENABLE_FALLBACK.name: False}
    assert first.values == DEFAULTS | {PRIMARY.name: "claude-sonnet-4"}


def test_without_a_save_it_is_empty(store: PooledStore) -> None:
    """The defaults of a new database are not a change."""
    assert read_history(store.person(), read_settings(store.person())) == ()


def test_a_save_that_adds_a_key_too_is_one_version(store: PooledStore, owner: psycopg.Connection) -> None:
    """A key that was deleted comes back with the save, and one event records both."""
    owner.execute("delete from public.system_settings_config where key = %s", [ENABLE_FALLBACK.name])
    saved = save_settings(store.person(), {PRIMARY.name: "claude-sonnet-4"})
    latest, removed = read_history(store.person(), saved)

    assert (latest.version, removed.version, saved.version) == (3, 2, 3)
    assert latest.changes == {PRIMARY.name: ("gpt-4o-mini", "claude-sonnet-4"), ENABLE_FALLBACK.name: (None, True)}


def test_two_changes_at_once_are_two_versions(store: PooledStore, owner: psycopg.Connection) -> None:
    """Changed by hand, with different keys: the second waits for the first."""
    change = "update public.system_settings_config set value = %s where key = %s"
    with psycopg.connect(owner.info.dsn, password=owner.info.password) as first, ThreadPoolExecutor() as threads:
        first.execute(change, ['"claude-sonnet-4"', PRIMARY.name])
        second = threads.submit(owner.execute, change, ["false", ENABLE_FALLBACK.name])
        while not first.execute("select from pg_locks where locktype = 'advisory' and not granted").fetchall():
            assert not second.done()
        first.commit()
        second.result()

    versions = [save.version for save in read_history(store.person(), read_settings(store.person()))]
    assert versions == [3, 2]
