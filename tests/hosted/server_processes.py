"""`python -m server` as processes of their own, which can be killed, over one data folder and scripted models."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg

from store.api_tokens import make_api_token
from store.embedded.database import EmbeddedStore
from tests.cluster.conftest import PROJECT, attached, eventually
from tests.hosted.api_rig import bearer
from tests.providers.behaviours import reply
from tests.providers.exchange import Behaviour, Exchange
from tests.providers.server import ModelServer

LIMIT_S = 60.0


class Server:
    """One `python -m server` that can be killed and started again, on one port."""

    def __init__(self, environment: Mapping[str, str], headers: Mapping[str, str], log: Path) -> None:
        self._environment = dict(environment)
        self._log = log
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}/api", headers=dict(headers), trust_env=False, timeout=LIMIT_S,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )  # fmt: skip

    def start(self) -> None:
        """Start it, without waiting."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server", "--port", str(self._port)], cwd=PROJECT, env=self._environment,
                stdout=log, stderr=log,
            )  # fmt: skip

    def wait(self) -> None:
        """Wait until it answers and its database does."""
        assert eventually(self._is_healthy), self._log.read_text()[-4000:]

    def kill(self) -> None:
        """Kill it without letting it clean up."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def connections(self) -> int:
        """How many callers are connected to it."""
        assert self._process is not None
        found = psutil.Process(self._process.pid).net_connections("tcp")
        return sum(each.laddr.port == self._port and each.status == psutil.CONN_ESTABLISHED for each in found)

    def close(self) -> None:
        """Kill it for good."""
        self.kill()
        self.client.close()

    def _is_healthy(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-4000:]
        with contextlib.suppress(httpx.TransportError):
            return self.client.get("/health").status_code == 200
        return False


@dataclass(frozen=True, slots=True)
class Hosts:
    """Two servers over one database.

    Attributes:
        owner: the database as its owner sees it.
        released: set to let the models answer.
    """

    servers: tuple[Server, Server]
    models: ModelServer
    owner: psycopg.Connection
    released: threading.Event

    def restart(self, server: Server) -> None:
        """Start a server that was killed."""
        server.start()
        server.wait()


@contextmanager
def two_hosts(folder: Path, **variables: str) -> Iterator[Hosts]:
    """Two servers that answer the bearer of one token; their models wait until they are released.

    Args:
        folder: for their data and logs.
        variables: further environment variables.
    """
    data, released = folder / "data", threading.Event()
    with ExitStack() as stack:
        models = ModelServer()
        models.open()
        stack.callback(models.close)
        models.script("openai", _held(released))
        cluster = stack.enter_context(attached(data))
        with closing(EmbeddedStore(data)) as store:
            token = make_api_token(store.person(), "a backend", ["generate"], 100_000)
        owner = stack.enter_context(psycopg.connect(cluster.dsn(), autocommit=True))
        environment = models.environment() | {
            "OPENAI_API_KEY": "sk-test-1",
            "ANTHROPIC_API_KEY": "sk-test-2",
            "ORCHESTRATOR_DATA_DIR": str(data),
            "PATH": "/usr/bin:/bin",
            **variables,
        }
        servers = (
            Server(environment, bearer(token), folder / "first.log"),
            Server(environment, bearer(token), folder / "second.log"),
        )
        for server in servers:
            stack.callback(server.close)
            server.start()
        for server in servers:
            server.wait()
        yield Hosts(servers, models, owner, released)


def _held(released: threading.Event) -> Behaviour:
    async def answer(exchange: Exchange) -> None:
        while not released.is_set():  # noqa: ASYNC110 - it is set from another thread
            await asyncio.sleep(0.01)
        await reply()(exchange)

    return answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
