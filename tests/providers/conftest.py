"""An application whose two SDKs talk to a scripted server on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from orchestrator import (
    Application,
    Attempt,
    GenerationCancelled,
    GenerationFailed,
    GenerationOptions,
    Overrides,
    WorkflowGenerationResult,
    bootstrap,
)
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.embedded.connections import Connections
from tests.conftest import NOW, TEMPLATE, PooledStore
from tests.providers.server import ModelServer
from tests.providers.wire_events import ProviderName

OPENAI_KEY = "sk-proj-0penAiTestKeyThatMustNeverShow"
ANTHROPIC_KEY = "sk-ant-api03-anthropictestkeythatmustnevershow"

MILLION = Decimal(1_000_000)
PRICES: dict[str, tuple[Decimal, Decimal, Decimal, Decimal]] = {
    "gpt-4o-mini": (Decimal("0.15"), Decimal("0.075"), Decimal("0.15"), Decimal("0.60")),
    "claude-sonnet-4-6": (Decimal("3"), Decimal("0.30"), Decimal("3.75"), Decimal("15")),
}
"""US dollars per million: input, cached input, input written to the cache, output."""


@dataclass(frozen=True)
class Side:
    """One of the two orders.

    Attributes:
        first, second: the provider asked first, and the fallback.
    """

    primary: str
    fallback: str
    first: ProviderName
    second: ProviderName

    def options(self) -> GenerationOptions:
        """The options of a generation in this order."""
        return GenerationOptions(overrides=Overrides(primary=self.primary, fallback=self.fallback))


MINI_FIRST = Side("gpt-4o-mini", "claude-sonnet-4", "openai", "anthropic")
CLAUDE_FIRST = Side("claude-sonnet-4", "gpt-4o-mini", "anthropic", "openai")
API_MODELS = {"gpt-4o-mini": "gpt-4o-mini", "claude-sonnet-4": "claude-sonnet-4-6"}

both_sides = pytest.mark.parametrize("side", [MINI_FIRST, CLAUDE_FIRST], ids=["mini-first", "claude-first"])
Outcome = WorkflowGenerationResult | GenerationFailed | GenerationCancelled


@dataclass
class Bench:
    """Everything one test needs: the server, the application on it, the audit log behind it.

    Attributes:
        earlier: ids of the audit events of other tests.
    """

    server: ModelServer
    application: Application
    owner: psycopg.Connection
    earlier: list[UUID]

    def run(self, side: Side = MINI_FIRST) -> Outcome:
        """Run one generation to its end, however it ends."""
        try:
            return self.application.orchestrator.generate_workflow(
                user_id="tester", agent_id="agent-1", prompt="Sort my mail.", services=[], options=side.options()
            )
        except (GenerationFailed, GenerationCancelled) as error:
            return error

    def succeed(self, side: Side = MINI_FIRST) -> WorkflowGenerationResult:
        """Run one generation that must return a workflow."""
        outcome = self.run(side)
        assert isinstance(outcome, WorkflowGenerationResult), outcome
        return outcome

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Action and details of every audit event, with exact figures, ordered by action."""
        query = "select action, details::text from audit_logs where id <> all(%s) order by action"
        rows = self.owner.execute(query, [self.earlier]).fetchall()
        return [(action, json.loads(details, parse_float=Decimal)) for action, details in rows]

    def actions(self) -> list[str]:
        """The actions of the audit log."""
        return [action for action, _ in self.events()]

    def details(self, action: str) -> dict[str, Any]:
        """The details of the only event of an action."""
        (found,) = [details for name, details in self.events() if name == action]
        return found

    def calls(self) -> list[ProviderName]:
        """Which providers were asked over the wire, in order."""
        return [received.provider for received in self.server.requests]


MakeBench = Callable[..., Bench]


def cost(attempt: Attempt) -> Decimal:
    """The cost of an attempt's tokens by the price list above."""
    fresh, cached, written, output = PRICES[attempt.api_model]
    tokens = attempt.tokens
    plain_input = tokens.input - tokens.cached_input - tokens.cache_write_input
    return (
        plain_input * fresh + tokens.cached_input * cached + tokens.cache_write_input * written + tokens.output * output
    ) / MILLION


class Workshop:
    """What all tests of this folder share, since creating a database and an application is slow."""

    def __init__(self, store: PooledStore, owner: psycopg.Connection, folder: Path) -> None:
        self.model_server = ModelServer()
        self.owner = owner
        self._store = store
        self._folder = folder
        self._made: dict[tuple[float, float, datetime], Application] = {}

    def application(self, limit_s: float, last_limit_s: float, now: datetime) -> Application:
        """The application with these limits and this clock."""
        key = (limit_s, last_limit_s, now)
        if key not in self._made:
            environment = self.model_server.environment() | {
                "OPENAI_API_KEY": OPENAI_KEY,
                "ANTHROPIC_API_KEY": ANTHROPIC_KEY,
                "ORCHESTRATOR_ATTEMPT_TIMEOUT_S": str(limit_s),
                "ORCHESTRATOR_LAST_ATTEMPT_TIMEOUT_S": str(last_limit_s),
                "ORCHESTRATOR_DATA_DIR": str(self._folder),
            }
            self._made[key] = bootstrap(environment, store=self._store, now=lambda: now)
            self._made[key].orchestrator.warm()
        return self._made[key]

    def close(self) -> None:
        """End the applications, then the server."""
        for application in self._made.values():
            application.close()
        self.model_server.close()


@pytest.fixture(name="workshop", scope="package")
def workshop_fixture(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A scripted server that listens, and this folder's own database."""
    name = f"providers_{os.getpid()}"
    with psycopg.connect(server.dsn(cluster.SUPERUSER), autocommit=True) as root:
        statement = sql.SQL("create database {} template {} owner postgres")
        root.execute(statement.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        with (
            Connections(server.dsn(cluster.AUTHENTICATOR, name)) as pool,
            psycopg.connect(server.dsn(cluster.OWNER, name), autocommit=True) as owner,
        ):
            workshop = Workshop(PooledStore(pool), owner, tmp_path_factory.mktemp("data"))
            workshop.model_server.open()
            yield workshop
            workshop.close()
        root.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(name="make_bench")
def make_bench_fixture(workshop: Workshop) -> Iterator[MakeBench]:
    """Creates benches: `make_bench(limit_s=..., last_limit_s=..., now=...)`."""
    workshop.model_server.forget()
    rows = workshop.owner.execute("select id from audit_logs").fetchall()
    earlier = [row[0] for row in rows]

    def make(limit_s: float = 10.0, last_limit_s: float = 10.0, now: datetime = NOW) -> Bench:
        application = workshop.application(limit_s, last_limit_s, now)
        return Bench(workshop.model_server, application, workshop.owner, earlier)

    yield make
    assert workshop.model_server.broken == []


@pytest.fixture(name="bench")
def bench_fixture(make_bench: MakeBench) -> Bench:
    """A bench with ample time limits."""
    return make_bench()
