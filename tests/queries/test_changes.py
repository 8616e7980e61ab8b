"""The saves of the system keys that charts mark."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg

from orchestrator.settings import save_settings
from orchestrator.system_keys import PRIMARY
from queries.figures import Change, read_figures
from queries.filters import Filters, Source
from queries.period import period
from store import clock, exact_json
from store.sample import add_sample_data
from tests.conftest import SAMPLE, SAMPLE_UNTIL, PooledStore

DAY = date(2026, 11, 10)


def changes(store: PooledStore, first: date, last: date, source: Source = "all") -> tuple[Change, ...]:
    """The saves of some days in Kathmandu."""
    figures = read_figures(store.person(), period(first, last, "Asia/Kathmandu"), Filters(source), ("changes",))
    return figures.changes


def saved(owner: psycopg.Connection, at: datetime, changed: object) -> None:
    """Append a save by another system."""
    owner.execute(
        "insert into public.audit_logs (timestamp, action, actor_id, changes) "
        "values (%s, 'SYSTEM_CONFIG_UPDATED', 'a@example.com', %s::jsonb)",
        [at, exact_json(changed)],
    )


def test_a_save_is_told_with_who_and_what(store: PooledStore) -> None:
    """It shows as soon as it is made, for every source of figures."""
    save_settings(store.person(), {PRIMARY.name: "claude-sonnet-4"})
    today = clock.system().date()
    days = today - timedelta(days=1), today + timedelta(days=1)

    (change,) = changes(store, *days)
    assert change.by == "you@this.machine"
    assert change.changes == {PRIMARY.name: {"before": "gpt-4o-mini", "after": "claude-sonnet-4"}}
    assert not change.sample
    assert changes(store, *days, "real") == changes(store, *days, "simulated") == (change,)


def test_a_change_belongs_to_the_day_of_the_zone(store: PooledStore, owner: psycopg.Connection) -> None:
    """The first moment of a day belongs to it, that of the next day does not; earlier changes are included too."""
    begins = datetime(2026, 11, 9, 18, 15, tzinfo=UTC)
    moments = [begins - timedelta(microseconds=1), begins, begins + timedelta(days=1)]
    for at in moments:
        saved(owner, at, {PRIMARY.name: {"before": "a", "after": "b"}})

    assert [change.at for change in changes(store, DAY, DAY)] == moments[:2]


def test_a_version_may_be_called_anything(store: PooledStore, owner: psycopg.Connection) -> None:
    """In another system's save, a version that is not a valid number is unknown."""
    for second, version in enumerate(("2024.1-rc", None, {"a": 1}, 7, 7.5, -1, 10**30)):
        owner.execute(
            "insert into public.audit_logs (timestamp, action, details, changes) "
            "values (%s, 'SYSTEM_CONFIG_UPDATED', %s::jsonb, %s::jsonb)",
            [
                datetime(2026, 11, 10, 9, 0, second, tzinfo=UTC),
                exact_json({"version": version}),
                exact_json({PRIMARY.name: {"before": "a", "after": "b"}}),
            ],
        )

    assert [change.version for change in changes(store, DAY, DAY)] == [None, None, None, 7, 7, None, None]


def test_a_save_that_names_no_change_is_passed_over(store: PooledStore, owner: psycopg.Connection) -> None:
    """Whatever it holds instead; a save of other settings is skipped too, since their values may be secrets."""
    strange: tuple[object, ...] = (None, [], "text", 7, {}, {"smtp_password": {"before": "a", "after": "b"}})
    for nothing in strange:
        saved(owner, datetime(2026, 11, 10, tzinfo=UTC), nothing)

    assert changes(store, DAY, DAY) == ()


def test_changes_of_the_sample_are_marked_as_such(store: PooledStore) -> None:
    """They are not among the real ones."""
    for _ in add_sample_data(store.person(), until=SAMPLE_UNTIL, **SAMPLE):
        pass
    days = SAMPLE_UNTIL - timedelta(days=SAMPLE["days"]), SAMPLE_UNTIL
    found = changes(store, *days, "simulated")

    assert len(found) == 5
    assert all(change.sample for change in found)
    assert [change.at for change in found] == sorted(change.at for change in found)
    assert changes(store, *days, "real") == ()
