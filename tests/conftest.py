"""One real Postgres server for the whole session, a fresh copy of a migrated template database for each test."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import httpx2
import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from orchestrator import Application, bootstrap
from orchestrator.providers.registry import PROVIDERS
from orchestrator.simulator import SimulatedTransport
from store import Database, clock
from store.embedded import binaries, cluster, postgres
from store.embedded.cluster import Cluster
from store.embedded.connections import Connections
from store.embedded.database import EmbeddedDatabase, bring_up
from store.identity import LOCAL_MACHINE, LOCAL_PERSON
from store.sample import add_sample_data

# On a busy machine, the time an example takes is meaningless.
settings.register_profile("console", deadline=None)
settings.load_profile("console")

_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp creates a unique name there
_PLENTY_BYTES = 4 * 2**30

_FIRST_WITH_BUILTIN_LOCALE = 17
_OURS = ("OPENAI_", "ANTHROPIC_", "SUPABASE_", "ORCHESTRATOR_", "STREAMLIT_")
_OF_PROVIDERS = {variable for entry in PROVIDERS.values() for variable in (entry.key_variable, entry.base_url_variable)}

TEMPLATE = "console_template"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""The clock of every test: Claude Sonnet 4 is retired, GPT-4o mini is not yet."""
SAMPLE_UNTIL = date(2026, 11, 20)
SAMPLE = {"days": 40, "per_day": 150, "seed": 3}

_numbers = count()


@pytest.fixture(autouse=True, scope="session")
def _no_foreign_configuration() -> None:
    """The developer's own environment never reaches a test, so no test reaches the network."""
    for name in list(os.environ):
        if name.startswith(_OURS) or name in _OF_PROVIDERS:
            del os.environ[name]


@pytest.fixture(autouse=True, scope="session")
def _servers_on_the_same_clock() -> Iterator[None]:
    """If the tests' clock is shifted (faketime), the clock of the servers they start is shifted too."""
    with pytest.MonkeyPatch.context() as patch:
        # Without faketime's shared memory, which a server of another user cannot open.
        moved = {name: os.environ[name] for name in ("LD_PRELOAD", "FAKETIME") if name in os.environ}
        usual = binaries.environment
        patch.setattr(binaries, "environment", lambda: usual() | moved)
        yield


@pytest.fixture(autouse=True, scope="session")
def _chosen_postgres() -> Iterator[None]:
    """Uses the Postgres in the folder that POSTGRES_FOLDER names, if it is set, instead of the embedded one."""
    with pytest.MonkeyPatch.context() as patch:
        if folder := os.environ.get("POSTGRES_FOLDER"):
            said = subprocess.run([f"{folder}/bin/postgres", "--version"], capture_output=True, check=True, text=True)
            patch.setattr(binaries, "install_folder", lambda *_major: Path(folder))
            if int(said.stdout.split()[2].partition(".")[0]) < _FIRST_WITH_BUILTIN_LOCALE:
                patch.setattr(postgres, "LOCALE", "--locale=C --lc-ctype=C.UTF-8")
        yield


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    """A clock chosen by one test does not affect the others."""
    yield
    clock.use(clock.system)


@pytest.fixture(name="open_folder")
def open_folder_fixture() -> Iterator[Path]:
    """An empty folder that other users of the machine can enter, as Postgres must when root runs the tests."""
    yield from open_folder()


def open_folder() -> Iterator[Path]:
    # In memory if there is enough: copying a database there takes a tenth of the time.
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _PLENTY_BYTES
    folder = Path(tempfile.mkdtemp(prefix="console-test-", dir=_MEMORY if roomy else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(name="server", scope="session")
def server_fixture() -> Iterator[Cluster]:
    """A running server with a migrated template database."""
    for folder in open_folder():
        server = Cluster(folder / "data")
        server.attach()
        try:
            with psycopg.connect(server.dsn(cluster.SUPERUSER), autocommit=True) as connection:
                # This server need not survive a power cut, and waiting for the disk was most of the time a copy took.
                connection.execute("alter system set fsync = off")
                connection.execute("select pg_reload_conf()")
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
            bring_up(server, TEMPLATE)
            yield server
        finally:
            server.leave()


@pytest.fixture(name="template")
def template_fixture(request: pytest.FixtureRequest) -> str:
    """The template of each test's database: migrated and empty, or with sample data for `sample`."""
    wanted = "sample" in request.fixturenames
    name: str = request.getfixturevalue("sample_template") if wanted else TEMPLATE
    return name


@pytest.fixture(name="sample_template", scope="session")
def sample_template_fixture(server: Cluster) -> Iterator[str]:
    """The name of a template with sample data: `SAMPLE` until `SAMPLE_UNTIL`."""
    with copied(server, TEMPLATE) as name:
        with Connections(server.dsn(cluster.AUTHENTICATOR, name)) as pool:
            database = PooledStore(pool).person()
            assert len(list(add_sample_data(database, until=SAMPLE_UNTIL, **SAMPLE))) == SAMPLE["days"]
        yield name


@contextlib.contextmanager
def copied(server: Cluster, template: str) -> Iterator[str]:
    """The name of a copy of a database, dropped afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.dsn(cluster.SUPERUSER), autocommit=True) as connection:
        statement = sql.SQL("create database {} template {} owner postgres")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        yield name
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(name="database_name")
def database_name_fixture(server: Cluster, template: str) -> Iterator[str]:
    """The name of this test's own database."""
    with copied(server, template) as name:
        yield name


class PooledStore:
    """A store over one database of the shared server."""

    local = True

    def __init__(self, pool: Connections) -> None:
        self.pool = pool

    def person(self) -> Database:
        return EmbeddedDatabase(self.pool, LOCAL_PERSON)

    def machine(self) -> Database:
        return EmbeddedDatabase(self.pool, LOCAL_MACHINE)

    def for_api_token(self, sha256: str) -> Database:
        return EmbeddedDatabase(self.pool, LOCAL_MACHINE, api_token_sha256=sha256)

    def check(self) -> None:
        self.machine().call("whoami")

    def close(self) -> None:
        """The fixture closes the pool."""


@pytest.fixture(name="store")
def store_fixture(server: Cluster, database_name: str) -> Iterator[PooledStore]:
    """This test's database as the program sees it."""
    with Connections(server.dsn(cluster.AUTHENTICATOR, database_name)) as pool:
        yield PooledStore(pool)


@pytest.fixture(name="sample")
def sample_fixture(store: PooledStore) -> PooledStore:
    """A store with the sample data."""
    return store


@pytest.fixture(name="owner")
def owner_fixture(server: Cluster, database_name: str) -> Iterator[psycopg.Connection]:
    """This test's database as its owner sees it, to look behind the functions."""
    with psycopg.connect(server.dsn(cluster.OWNER, database_name), autocommit=True) as connection:
        yield connection


MakeApplication = Callable[..., Application]


@pytest.fixture(name="make_application")
def make_application_fixture(store: PooledStore, tmp_path: Path) -> Iterator[MakeApplication]:
    """Creates applications over this test's database: `make_application(transport=..., environment=..., now=...)`."""
    made: list[Application] = []

    def make(
        transport: httpx2.AsyncBaseTransport | None = None,
        environment: Mapping[str, str] | None = None,
        now: Callable[[], datetime] = lambda: NOW,
    ) -> Application:
        variables = {"ORCHESTRATOR_DATA_DIR": str(tmp_path), "ORCHESTRATOR_OFFLINE_SPEED": "0"}
        made.append(bootstrap(variables | dict(environment or {}), store=store, transport=transport, now=now))
        return made[-1]

    yield make
    for application in made:
        application.close()


@pytest.fixture(name="simulator")
def simulator_fixture() -> SimulatedTransport:
    """Simulated models that answer at once and count the requests they receive."""
    return SimulatedTransport(speed=0)


@pytest.fixture(name="application")
def application_fixture(make_application: MakeApplication, simulator: SimulatedTransport) -> Application:
    """An application on the simulated models."""
    return make_application(transport=simulator)
