"""`python -m server` refuses to start without what it needs, and listens to this machine only without sign-in."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from store.environment import PROJECT
from tests.hosted.project import HostedProject
from tests.hosted.server_processes import LIMIT_S


def server_process(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start `python -m server`."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    command = [sys.executable, "-m", "server", *arguments]
    return subprocess.Popen(
        command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ORCHESTRATOR_COOKIE_SECRET": ""}, "ORCHESTRATOR_COOKIE_SECRET is missing"),
        ({"ORCHESTRATOR_COOKIE_SECRET": "x" * 31}, "ORCHESTRATOR_COOKIE_SECRET must be at least 32 characters"),
        ({"ORCHESTRATOR_EMAIL": "", "ORCHESTRATOR_PASSWORD": ""}, "ORCHESTRATOR_EMAIL and ORCHESTRATOR_PASSWORD are"),
        ({"ORCHESTRATOR_PASSWORD": ""}, "ORCHESTRATOR_PASSWORD is missing"),
        ({"SUPABASE_URL": "", "SUPABASE_KEY": "", "ORCHESTRATOR_SERVER_ADDRESS": "0.0.0.0"}, "without sign-in"),  # noqa: S104
    ],
    ids=["no secret", "short secret", "no machine", "half a machine", "open to all"],
)
def test_the_server_refuses_to_start(
    project: HostedProject, tmp_path: Path, changed: dict[str, str], words: str
) -> None:
    """A server that could not sign people in, or would let everybody in, says so in one line with exit code 2."""
    with server_process("--port", "0", **project.environment(tmp_path) | changed) as process:
        output, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, output) == (2, "")
    assert words in errors
    assert re.fullmatch(r"[A-Z][^\n]*\.\n", errors)


def test_the_server_without_sign_in_listens_to_this_machine_only(open_folder: Path) -> None:
    """On the embedded database, nothing but 127.0.0.1 reaches it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"ORCHESTRATOR_DATA_DIR": str(open_folder / "data")}
    with server_process("--port", str(port), **variables) as process, httpx.Client(trust_env=False) as client:
        try:
            status = _answered(client, f"http://127.0.0.1:{port}/api/health", process)
            listening = {
                connection.laddr.ip
                for connection in psutil.Process(process.pid).net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            }
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT_S)
    assert (status, listening) == (200, {"127.0.0.1"})


def _answered(client: httpx.Client, url: str, process: subprocess.Popen[str]) -> int:
    """The status of the first answer."""
    while process.poll() is None:
        try:
            return client.get(url, timeout=LIMIT_S).status_code
        except httpx.ConnectError:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.05)
    return 0
