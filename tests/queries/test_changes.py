"""The saves of the system keys that charts mark."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from orchestrator.settings import save_settings
from orchestrator.system_keys import PRIMARY
from queries.changes import AROUND, changes_in, read_effects
from queries.figures import KeyChange, read_figures
from queries.filters import Filters, Source
from queries.period import period
from queries.records.generations import Which, generations
from store import clock, exact_json
from store.sample import add_sample_data
from tests.conftest import SAMPLE, SAMPLE_UNTIL, PooledStore

DAY = date(2026, 11, 10)


def changes(store: PooledStore, first: date, last: date, source: Source = "all") -> tuple[KeyChange, ...]:
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


@pytest.mark.usefixtures("sample")
def test_the_effect_of_a_change_is_what_a_recount_finds(store: PooledStore) -> None:
    """Seven days on each side, no further than the next change; the change's own quarter of an hour is on neither."""
    days = period(SAMPLE_UNTIL - timedelta(days=29), SAMPLE_UNTIL, "UTC")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    figures = read_figures(store.person(), days, Filters(), ("attempts", "changes"))
    known = changes_in(figures)
    effects = read_effects(store.person(), known, Filters(), now)
    everything = generations(store.person(), days.before.begins, days.ends, Filters(), Which("completed"), 100_000)
    moments = sorted(change.at for change in known)

    assert len(known) >= 3
    for change in known:
        earlier, later = ([at for at in moments if at < change.at], [at for at in moments if at > change.at])
        begins = max([change.at - AROUND, *earlier[-1:]])
        ends = min([change.at + AROUND, now, *later[:1]])
        for side, since, until in (
            (effects[change.id].before, begins, change.at),
            (effects[change.id].after, change.at, ends),
        ):
            counted = int(everything["at"].map(lambda at, since=since, until=until: since <= at < until).sum())
            # Up to a quarter of an hour at each end is left out.
            at_the_ends = everything["at"].map(
                lambda at, since=since, until=until: min(abs(at - since), abs(at - until)) <= timedelta(minutes=15)
            )
            assert counted - int(at_the_ends.sum()) <= side.completed <= counted
    assert sum(effect.after.completed for effect in effects.values()) > 100


def test_changes_at_once_have_an_effect_each(store: PooledStore, owner: psycopg.Connection) -> None:
    """Nothing lies between them, and nothing may have followed yet."""
    at = datetime(2026, 11, 10, 12, tzinfo=UTC)
    for place in (0, 0, 1):
        saved(owner, at + timedelta(seconds=place), {PRIMARY.name: {"before": "a", "after": "b"}})
    figures = read_figures(store.person(), period(DAY, DAY, "UTC"), Filters(), ("changes",))
    known = changes_in(figures)
    effects = read_effects(store.person(), known, Filters(), at + timedelta(seconds=1))

    assert [change.id for change in known] == ["20261110T120001", "20261110T120000", "20261110T120000-2"]
    assert all(effect.before.completed == effect.after.completed == 0 for effect in effects.values())
    assert read_effects(store.person(), [], Filters(), at) == {}
