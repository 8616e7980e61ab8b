"""How fast the route answers 200 callers at once, with one process and with more; simulated models reply at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.measure import Comparison
from store.api_tokens import make_api_token
from store.embedded.cluster import Cluster
from store.embedded.database import EmbeddedStore
from tests.browser.served import ROOT, free_port

_CALLERS = 200
_ROUNDS = 3
_START_LIMIT_S = 60
_BODY = {"prompt": "When a Zendesk ticket is urgent, alert the team on Slack.", "services": ["Zendesk", "Slack"]}


def measure() -> Iterator[Comparison]:
    """200 requests at once against one process, two and four."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Postgres runs as another user where root runs this
        data = Path(folder) / "data"
        token = _token(data)
        alone = _durations(data, token, 1)
        try:
            for workers in (2, 4):
                several = _durations(data, token, workers)
                rounds = list(zip(several, alone, strict=True))
                yield Comparison(f"{_CALLERS} requests at once, {workers} processes", "one process", rounds)
        finally:
            Cluster(data).stop()


def _token(data: Path) -> str:
    """An API token whose limit is out of reach."""
    store = EmbeddedStore(data)
    try:
        return make_api_token(store.person(), "benchmark", ["generate"], 100_000)
    finally:
        store.close()


def _durations(data: Path, token: str, workers: int) -> list[float]:
    """How long each round of requests took, in seconds, all of them answered."""
    with _served(data, workers) as address:
        return [asyncio.run(_round(address, token)) for _ in range(_ROUNDS + 1)][1:]


async def _round(address: str, token: str) -> float:
    limits, headers = httpx.Limits(max_connections=_CALLERS), {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=60, limits=limits, headers=headers, trust_env=False) as client:
        begun = time.perf_counter()
        answers = await asyncio.gather(
            *(client.post(f"{address}/api/generate-agent-v2", json=_BODY) for _ in range(_CALLERS))
        )
        took_s = time.perf_counter() - begun
    assert {answer.status_code for answer in answers} == {200}  # noqa: S101 - a time without answers says nothing
    return took_s


@contextmanager
def _served(data: Path, workers: int) -> Iterator[str]:
    """The address of the routes alone, in so many processes."""
    port = free_port()
    environment = os.environ | {"ORCHESTRATOR_DATA_DIR": str(data), "ORCHESTRATOR_OFFLINE_SPEED": "0"}
    command = [sys.executable, "-m", "server", "--port", str(port), "--workers", str(workers)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            _wait(address)
            yield address
        finally:
            process.terminate()


def _wait(address: str) -> None:
    until = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/api/health", trust_env=False, timeout=10).is_success:
                return
    raise TimeoutError("The server did not start.")
