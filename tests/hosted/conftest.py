"""One hosted project for all of these tests, and consoles of it that browsers open without a network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import lru_cache
from itertools import count
from pathlib import Path

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from orchestrator import Application, bootstrap
from server.routes import routes
from server.settings import ServerSettings
from store.embedded.cluster import Cluster
from store.hosted import browsers
from tests.conftest import TEMPLATE, copied
from tests.database import postgrest
from tests.database.calls import AuditLog
from tests.database.gateway import API_KEY
from tests.hosted.callers import World, world
from tests.hosted.consoles import Console, MakeConsole
from tests.hosted.house import House, MakeHouse, build
from tests.hosted.project import PASSWORD, HostedProject, NewPerson, hosted_project
from tests.supabase_auth import AuthServer, User

_CHANGED_BY_TESTS = (
    "delay_s", "failures_per_minute", "link_lifetime_s", "parent_may_return", "providers", "redirect_urls",
    "reuse_interval_s", "token_lifetime_s", "trouble",
)  # fmt: skip
_people = count(1)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's proxies are not used for this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(name="project", scope="session")
def project_fixture(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedProject]:
    """The shared project; a test that changes its people or settings uses `new_person` and `auth`."""
    _require_postgrest()
    with (
        copied(server, TEMPLATE) as database,
        hosted_project(server, database, tmp_path_factory.mktemp("hosted")) as made,
    ):
        yield made


@pytest.fixture(name="auth")
def auth_fixture(project: HostedProject) -> Iterator[AuthServer]:
    """The project's Auth, whose settings are put back afterwards; it forgives a lost answer, as the real one does."""
    auth = project.auth
    before = {name: getattr(auth, name) for name in _CHANGED_BY_TESTS}
    auth.providers, auth.redirect_urls = dict(auth.providers), ["http://localhost/auth/"]
    auth.parent_may_return = True
    yield auth
    for name, value in before.items():
        setattr(auth, name, value)


@pytest.fixture(name="project_owner")
def project_owner_fixture(project: HostedProject) -> Iterator[psycopg.Connection]:
    """The project's database as its owner sees it, with no session and no refused sign-in."""
    with psycopg.connect(project.owner, autocommit=True) as connection:
        connection.execute("delete from private.sessions")
        connection.execute("delete from private.sign_in_attempts")
        connection.execute("delete from private.unfinished_sign_ins")
        yield connection


@pytest.fixture(name="audit_log")
def audit_log_fixture(project_owner: psycopg.Connection) -> AuditLog:
    """The project's audit log, compared with its state before the test."""
    return AuditLog(project_owner)


@pytest.fixture(name="new_person")
def new_person_fixture(auth: AuthServer, project_owner: psycopg.Connection) -> NewPerson:
    """Creates people of a test's own."""

    def make(role: str | None = "engineer") -> User:
        user = auth.add_user(f"person-{next(_people)}@example.com", PASSWORD)
        if role:
            statement = "insert into public.console_roles (user_id, role) values (%s, %s)"
            project_owner.execute(statement, [user.id, role])
        return user

    return make


@pytest.fixture(name="authenticator")
def authenticator_fixture(new_person: NewPerson, auth: AuthServer) -> tuple[User, str]:
    """Somebody with an authenticator app, and its secret."""
    person = new_person()
    return person, auth.enroll_totp(person.email)


@pytest.fixture(name="make_console")
def make_console_fixture(
    auth: AuthServer, project: HostedProject, project_owner: psycopg.Connection, tmp_path: Path
) -> Iterator[MakeConsole]:
    """Creates consoles and closes them; as in `python -m server`, each connects at the first request that needs it."""
    shared = project
    with ExitStack() as stack:

        def make(project: HostedProject | None = None, *, base: str = "", **environment: str) -> Console:
            variables = (project or shared).environment(tmp_path) | environment

            @lru_cache  # which keeps no exception: the next request tries again
            def application() -> Application:
                made = bootstrap(variables)
                stack.callback(made.close)
                return made

            settings = ServerSettings.from_environment(variables)
            site = settings.site(application, base)
            inside = [*routes(site, lambda: None), Route("/{path:path}", _page)]
            return Console(site, Starlette(routes=inside, middleware=settings.middleware(site)))

        yield make


async def _page(request: Request) -> Response:
    """Stands for the screen, which only people reach who are let in."""
    return PlainTextResponse(f"the console at {request.url.path}")


@pytest.fixture(name="console")
def console_fixture(make_console: MakeConsole) -> Console:
    """A console of the shared project."""
    return make_console()


@pytest.fixture(name="with_providers")
def with_providers_fixture(make_console: MakeConsole) -> Console:
    """A console that offers Google and a company's single sign-on."""
    return make_console(ORCHESTRATOR_SIGN_IN_PROVIDERS="google,company.example")


@pytest.fixture(name="look_always")
def look_always_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request looks whether its session is still there, not only one in fifteen seconds."""
    monkeypatch.setattr(browsers, "_TRUSTED_S", -1.0)


@pytest.fixture(name="world", scope="session")
def world_fixture(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A project with every kind of caller, which none of the other tests uses."""
    _require_postgrest()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "127.0.0.1,localhost")
        with copied(server, TEMPLATE) as database, world(server, database, tmp_path_factory.mktemp("world")) as made:
            yield made


@pytest.fixture(name="world_owner")
def world_owner_fixture(world: World) -> Iterator[psycopg.Connection]:
    """Its database as the owner sees it."""
    with psycopg.connect(world.project.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture(name="tables")
def tables_fixture(world_owner: psycopg.Connection) -> dict[str, str]:
    """Every table and view of the schema, with its first column."""
    query = """
        select relation.relname, column_.attname
        from pg_class as relation
        join pg_attribute as column_ on column_.attrelid = relation.oid and column_.attnum = 1
        where relation.relnamespace = 'public'::regnamespace and relation.relkind in ('r', 'p', 'v', 'm', 'f')
    """
    return dict(world_owner.execute(query).fetchall())


@pytest.fixture(name="rest")
def rest_fixture(world: World) -> Iterator[httpx.Client]:
    """A plain client of its PostgREST, with nothing but the publishable key."""
    address = f"{world.project.url}/rest/v1"
    with httpx.Client(base_url=address, headers={"apikey": API_KEY}, trust_env=False) as client:
        yield client


@pytest.fixture(name="house_application", scope="module")
def house_application_fixture(
    project: HostedProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """The application of all houses of a module."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "127.0.0.1,localhost")
        application = bootstrap(project.environment(tmp_path_factory.mktemp("data")))
        yield application
        application.close()


@pytest.fixture(name="make_house")
def make_house_fixture(project: HostedProject, house_application: Application, tmp_path: Path) -> MakeHouse:
    """Creates houses."""

    def make(base: str = "", **environment: str) -> House:
        return build(project, house_application, project.environment(tmp_path) | environment, base)

    return make


@pytest.fixture(name="house")
def house_fixture(make_house: MakeHouse) -> House:
    """A console whose inside is a dummy."""
    return make_house()


def _require_postgrest() -> None:
    if postgrest.find_postgrest() is None:
        reason = f"PostgREST is not there; run: {postgrest.INSTALL}"
        if os.environ.get("REQUIRE_SUPABASE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
