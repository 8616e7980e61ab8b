"""The composition root: the one place where the real components are chosen and wired together."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from orchestrator.environment import ModelConfiguration, read_environment
from orchestrator.models.catalogue import ProviderName
from orchestrator.orchestrator import WorkflowOrchestrator
from orchestrator.providers import Provider
from orchestrator.providers.http import check_network
from orchestrator.providers.registry import PROVIDERS
from orchestrator.recording.housekeeping import Housekeeping
from orchestrator.recording.outbox import Outbox
from orchestrator.recording.recorder import Recorder
from orchestrator.simulator import SimulatedTransport, fault_headers
from store import Database, Store, StoreSettings, clock, connect

# The SDKs require a key; the simulator ignores it.
_NO_KEY = "simulated"


@dataclass(frozen=True, slots=True)
class Application:
    """Everything a process needs.

    Attributes:
        simulated: whether models are simulated, which every page shows.
        housekeeping: what is due every hour; long-lived processes start it.
        visitor: the database as the person on the screen sees it; None for the person at this machine.
    """

    orchestrator: WorkflowOrchestrator
    store: Store
    simulated: bool
    housekeeping: Housekeeping
    visitor: Database | None = None

    def person(self) -> Database:
        """The database as the person on the screen or at the keyboard sees it."""
        return self.visitor or self.store.person()

    def close(self) -> None:
        """Cancel and record the generations under way, and disconnect from models and database."""
        self.housekeeping.stop()
        try:
            self.orchestrator.close()
        finally:
            self.store.close()


def bootstrap(
    environment: Mapping[str, str] | None = None,
    *,
    store: Store | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    now: clock.Clock = clock.system,
) -> Application:
    """The application that the environment describes, with its database started and the outbox delivered.

    Args:
        environment: by default the process's own, with `.env` and `secrets.toml`.
        store, transport: another database or HTTP transport, for tests.
        now: the process's clock from here on, for pages and queries too.

    Raises:
        OrchestratorError, StoreError: a variable is invalid, or the database is not available.
    """
    clock.use(now)
    environment = read_environment() if environment is None else environment
    configuration = ModelConfiguration.from_environment(environment)
    if not configuration.offline and transport is None:
        check_network()
    settings = StoreSettings.from_environment(environment)
    store = store or connect(settings)
    recorder = _recorder(store, Outbox(settings.outbox))
    orchestrator = WorkflowOrchestrator(
        database=store.machine(),
        recorder=recorder,
        providers=_providers(configuration, transport),
        fault_headers=fault_headers if configuration.offline else None,
        limits=configuration.limits,
        now=now,
    )
    application = Application(orchestrator, store, configuration.offline, Housekeeping(store.machine()))
    # For callers who never close; closing twice does nothing.
    atexit.register(application.close)
    return application


def _recorder(store: Store, outbox: Outbox) -> Recorder:
    """The recorder, after delivering and closing what an earlier process left behind."""
    try:
        recorder = Recorder(store.machine(), outbox)
        recorder.catch_up()
    except BaseException:  # whatever went wrong, the server must not keep running
        store.close()
        raise
    return recorder


def _providers(
    configuration: ModelConfiguration, transport: httpx2.AsyncBaseTransport | None
) -> dict[ProviderName, Provider]:
    if configuration.offline:
        simulated = transport or SimulatedTransport(speed=configuration.offline_speed)
        return {name: entry.make(_NO_KEY, transport=simulated) for name, entry in PROVIDERS.items()}
    return {
        name: PROVIDERS[name].make(key, base_url=configuration.base_urls.get(name), transport=transport)
        for name, key in configuration.keys.items()
    }
