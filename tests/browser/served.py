"""A running console and a Chromium to look at it, for tests, benchmarks and pictures."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, TimeoutError

from tests.conftest import open_folder

ROOT = Path(__file__).parents[2]
OPENINGS = 3
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@contextlib.contextmanager
def served(*, sample: Sequence[str] = (), speed: str = "0.4") -> Iterator[str]:
    """The address of a console with a data folder of its own and simulated models.

    Args:
        sample: arguments for `store sample-data`; without any there is no sample.
        speed: how fast models answer, as a factor on their time.
    """
    with data_folder(sample) as data, started("app.py", data, speed) as address:
        yield address


@contextlib.contextmanager
def data_folder(sample: Sequence[str] = ()) -> Iterator[Path]:
    """An empty data folder, or one with a sample; see `served`."""
    for folder in open_folder():
        if sample:
            command = [sys.executable, "-m", "store", "sample-data", *sample]
            environment = os.environ | {"ORCHESTRATOR_DATA_DIR": str(folder / "data")}
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        yield folder / "data"


@contextlib.contextmanager
def started(
    script: str | Path, data: Path, speed: str, *, port: int | None = None, base_path: str = "", **variables: str
) -> Iterator[str]:
    """The address of a script under Streamlit, once it is healthy.

    Args:
        port: any free one by default.
        base_path: the folder below which it is served, without slashes; none by default.
        variables: further environment variables.
    """
    port = port or free_port()
    environment = os.environ | {
        "ORCHESTRATOR_DATA_DIR": str(data),
        "ORCHESTRATOR_OFFLINE_SPEED": speed,
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_BASE_URL_PATH": base_path,
        "PYTHONFAULTHANDLER": "1",
        **variables,
    }
    with (data.parent / "console.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script)], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        yield _when_healthy(f"http://localhost:{port}/{base_path}".rstrip("/"), process)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # prints the stack of each thread
            process.wait(timeout=30)
            raise AssertionError((data.parent / "console.log").read_text()[-8000:]) from None


def free_port() -> int:
    """A port that is not in use."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _when_healthy(address: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the console ended while it was starting"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):  # noqa: S310 - an http address of ours
                return address
        except (urllib.error.URLError, OSError):
            continue
    raise AssertionError("the console did not become healthy within a minute")


def chromium_program() -> str | None:
    """The path of the machine's Chromium; None if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def launched(playwright: Playwright, program: str) -> Browser:
    """A Chromium that sends no requests of its own."""
    return playwright.chromium.launch(executable_path=program, args=_FLAGS.split())


def choose(page: Page, name: str, option: str) -> None:
    """Choose an option of a select box; its list is opened again if something redraws the box meanwhile."""
    settled(page)
    for _ in range(OPENINGS):
        page.get_by_role("combobox", name=name).click()
        with contextlib.suppress(TimeoutError):
            page.get_by_role("option", name=option).click(timeout=10_000)
            return
    raise AssertionError(f"the list of {name} does not stay open, or has no {option}")


def settled(page: Page) -> None:
    """Wait until the script has run and everything is drawn."""
    page.wait_for_selector("[data-testid=stMain] h1", timeout=60_000)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_selector("[data-testid=stSkeleton]", state="detached", timeout=60_000)
