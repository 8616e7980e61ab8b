"""The API over HTTP, as a console without sign-in serves it, and models that fail or wait as told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import httpx
import httpx2
import psycopg
import pytest
from starlette.applications import Starlette

from orchestrator import Application
from orchestrator.models.catalogue import ProviderName
from orchestrator.simulator import Fault, SimulatedTransport, fault_headers
from server.routes import routes
from server.settings import ServerSettings
from store import Argument, Database, Json, Unavailable, clock
from store.api_tokens import make_api_token
from tests.conftest import MakeApplication, PooledStore
from tests.database.gateway import serving

ROUTE = "/generate-agent-v2"
PROMPT = "If the ticket is urgent, alert the team on Slack, otherwise create a Jira issue."
BODY: dict[str, Any] = {"prompt": PROMPT, "services": ["Slack", "Jira"], "agent_id": "agent-1"}
STREAM = {"accept": "text/event-stream"}
KEY = {"idempotency-key": "order-7"}
NOBODYS = "00000000-0000-4000-8000-00000000000a"
READS = ("/settings", "/report", "/audit-events", f"/generations/{NOBODYS}", "/openapi.json")
FIELDS = {
    "pilot_steps", "generator_used", "validation_passed", "generation_time_ms", "tokens_used", "cost_usd",
    "fallback_reason", "generation_id", "agent_id", "api_model", "attempts", "unpriced_attempts", "wasted_cost_usd",
    "tokens_wasted", "baseline_cost_usd", "savings_usd", "findings", "config_version", "prompt_version", "simulated",
}  # fmt: skip
LIMIT_S = 30.0


class Models(httpx2.AsyncBaseTransport):
    """Simulated models.

    Attributes:
        faults: how each provider fails; those that are not named answer.
        asked: set once a request has arrived.
        may_answer: cleared to let every request wait.
    """

    def __init__(self, faults: Mapping[ProviderName, Fault] | None = None) -> None:
        self.faults = dict(faults or {})
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        self._inner = SimulatedTransport(speed=0)

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return self._inner.requests

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `httpx2.AsyncBaseTransport`."""
        self.asked.set()
        while not self.may_answer.is_set():  # noqa: ASYNC110 - it is set from another thread
            await asyncio.sleep(0.01)
        fault = self.faults.get("anthropic" if request.url.path.endswith("/messages") else "openai")
        if fault:
            request.headers.update(fault_headers(fault))
        return await self._inner.handle_async_request(request)


class _Away:
    """A database that some functions do not reach."""

    def __init__(self, database: Database, away: set[str]) -> None:
        self._database = database
        self._away = away

    def call(self, function: str, **arguments: Argument) -> Json:
        if function in self._away or "*" in self._away:
            raise Unavailable
        return self._database.call(function, **arguments)


class AwayStore(PooledStore):
    """A store that can be made unavailable.

    Attributes:
        away: functions that are not reached; `*` for all.
    """

    def __init__(self, store: PooledStore) -> None:
        super().__init__(store.pool)
        self.away: set[str] = set()

    def person(self) -> Database:
        return _Away(super().person(), self.away)

    def machine(self) -> Database:
        return _Away(super().machine(), self.away)

    def for_api_token(self, sha256: str) -> Database:
        return _Away(super().for_api_token(sha256), self.away)


@pytest.fixture(name="store")
def away_store_fixture(store: PooledStore, monkeypatch: pytest.MonkeyPatch) -> AwayStore:
    """The store of a module that imports this can be made unavailable; nothing is delivered in the background."""
    monkeypatch.setattr("orchestrator.recording.delivery._FIRST_PAUSE_S", 3600.0)
    return AwayStore(store)


Serve = Callable[[Application], httpx.Client]


@pytest.fixture(name="serve")
def serve_fixture() -> Iterator[Serve]:
    """`serve(application)` serves the routes over HTTP and returns a client of `/api`."""
    with ExitStack() as stack:

        def start(application: Application) -> httpx.Client:
            url = stack.enter_context(serving(app_of(lambda: application)))
            return stack.enter_context(client_of(url))

        yield start


@pytest.fixture(name="models")
def models_fixture() -> Models:
    """The models of `console`; they answer at once until they are told otherwise."""
    return Models()


@pytest.fixture(name="console")
def console_fixture(make_application: MakeApplication, models: Models) -> Application:
    """An application on the machine's own clock, which the database goes by too."""
    return make_application(transport=models, now=clock.system)


class Desk:
    """One server for all tests of a module, which answers for the application of the current one."""

    def __init__(self) -> None:
        self.application: Application | None = None
        self.url = ""

    def current(self) -> Application:
        """The application of the current test."""
        assert self.application is not None
        return self.application


@pytest.fixture(name="desk", scope="module")
def desk_fixture() -> Iterator[Desk]:
    """The server behind `api`."""
    desk = Desk()
    with serving(app_of(desk.current)) as desk.url:
        yield desk


@pytest.fixture(name="api")
def api_fixture(desk: Desk, console: Application) -> Iterator[httpx.Client]:
    """A client of the API without a token: the person at this machine."""
    desk.application = console
    with client_of(desk.url) as client:
        yield client


def app_of(application: Callable[[], Application], environment: Mapping[str, str] | None = None) -> Starlette:
    """The routes over an application, behind what stands in front of them in `python -m server`."""
    settings = ServerSettings.from_environment(environment or {})
    site = settings.site(application)
    return Starlette(routes=routes(site, lambda: None), middleware=settings.middleware(site))


def client_of(url: str) -> httpx.Client:
    """A client of the API at this address, which ignores the developer's proxies."""
    return httpx.Client(base_url=f"{url}/api", trust_env=False, timeout=LIMIT_S)


def token_of(store: PooledStore, *scopes: str, per_minute: int = 10_000, name: str = "a backend") -> str:
    """A new API token."""
    return make_api_token(store.person(), name, scopes, per_minute)


def bearer(token: str) -> dict[str, str]:
    """The header that sends a token."""
    return {"authorization": f"Bearer {token}"}


def exactly(answer: httpx.Response) -> Any:
    """The JSON of an answer, with its numbers as they are written."""
    return json.loads(answer.content, parse_float=Decimal)


def problem_in(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a problem document, after checking its form."""
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == answer.status_code
    assert document["type"] == f"urn:orchestrator-console:problem:{document['code']}"
    assert document["title"]
    assert document["detail"].endswith(".")
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, document["code"]


def events_in(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream: name and data, money as it is written."""
    found = []
    for block in filter(None, text.split("\n\n")):
        name, data = block.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "), parse_float=Decimal)))
    return found


def rows(owner: psycopg.Connection, statement: str, *values: object) -> list[Any]:
    """The rows of a query; a row with one column is that column's value."""
    found = owner.execute(statement.encode(), values or None).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]
