"""All figures of a used database are the same through both stores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from queries.changes import changes_in
from queries.figures import Part, read_figures
from queries.filters import SOURCES, Filters
from queries.overview import read_overview
from queries.period import Period, period
from queries.records.events import EventFilters, list_events
from queries.records.generations import Which, generations
from queries.report import read_report
from store import Database, exact_json
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.embedded.connections import Connections
from store.embedded.database import EmbeddedDatabase
from store.hosted.supabase import SupabaseStore
from store.identity import LOCAL_PERSON, PasswordLogin
from tests.conftest import SAMPLE_UNTIL, copied
from tests.database.gateway import API_KEY
from tests.hosted.project import ADMIN, PASSWORD, hosted_project

ZONES = ("UTC", "Asia/Kathmandu", "America/New_York")
_PARTS: tuple[Part, ...] = ("generations", "latencies", "attempts", "findings", "verdicts", "changes")

Stores = tuple[Database, Database]


@pytest.fixture(name="both", scope="module")
def both_fixture(server: Cluster, sample_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """One database with the sample, as the embedded store and as the hosted one show it to an admin."""
    with (
        pytest.MonkeyPatch.context() as environment,
        copied(server, sample_template) as name,
        hosted_project(server, name, tmp_path_factory.mktemp("figures")) as project,
        Connections(server.dsn(cluster.AUTHENTICATOR, name)) as pool,
    ):
        environment.setenv("NO_PROXY", "127.0.0.1")
        store = SupabaseStore(project.url, API_KEY)
        yield EmbeddedDatabase(pool, LOCAL_PERSON), store.database(PasswordLogin(ADMIN, PASSWORD))
        store.close()


def _days(zone: str) -> Period:
    return period(SAMPLE_UNTIL - timedelta(days=29), SAMPLE_UNTIL, zone)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("source", SOURCES)
def test_the_report_is_the_same(both: Stores, zone: str, source: str) -> None:
    """Digit by digit, whatever the days and the source."""
    embedded, hosted = (
        exact_json(read_report(database, _days(zone), Filters(source)))  # type: ignore[arg-type]  # one of the sources
        for database in both
    )
    assert embedded == hosted


@pytest.mark.parametrize("zone", ZONES)
def test_what_pages_read_is_the_same(both: Stores, zone: str) -> None:
    """Every part of the figures, the overview, the changes, single generations and events."""

    def read(database: Database) -> list[str]:
        days, filters = _days(zone), Filters("all")
        figures = read_figures(database, days, filters, _PARTS)
        return [
            repr(figures),
            repr(read_overview(database, days, filters)),
            repr(changes_in(figures)),
            generations(database, days.begins, days.ends, filters, Which(), 200).to_csv(),
            repr(list_events(database, days.begins, days.ends, EventFilters(), limit=200)),
        ]

    embedded, hosted = map(read, both)
    assert len(embedded[3].splitlines()) == 201
    assert embedded == hosted
