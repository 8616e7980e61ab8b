"""A running console, and Chromium to look at it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import _open_folder

ROOT = Path(__file__).parents[2]
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(name="console", scope="package")
def console_fixture() -> Iterator[str]:
    """The address of a console on an empty database with simulated models, started as `make run` starts it."""
    with _running() as address:
        yield address


@pytest.fixture(name="sample_console", scope="package")
def sample_console_fixture() -> Iterator[str]:
    """The address of a console that holds a sample of forty days."""
    with _running("--days", "40", "--per-day", "40") as address:
        yield address


@contextlib.contextmanager
def _running(*sample: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for folder in _open_folder():
        environment = os.environ | {
            "ORCHESTRATOR_DATA_DIR": str(folder / "data"),
            "ORCHESTRATOR_OFFLINE_SPEED": "0.4",
            "STREAMLIT_SERVER_PORT": str(port),
        }
        if sample:
            command = [sys.executable, "-m", "store", "sample-data", *sample]
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        with (folder / "console.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        _wait_until_healthy(port, process)
        yield f"http://localhost:{port}"
        process.terminate()
        process.wait(timeout=30)


def _wait_until_healthy(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the console ended while it was starting"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            continue
    raise AssertionError("the console did not become healthy within a minute")


@pytest.fixture(name="chromium", scope="package")  # its own event loop must not outlive this folder
def chromium_fixture() -> Iterator[Browser]:
    """The machine's Chromium; without one the suite is skipped, except where it is required."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER is set and there is no Chromium on the PATH")
        pytest.skip("there is no Chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS.split())
        yield browser
        browser.close()


class Visit:
    """One browser window at the console.

    Attributes:
        requests: every address that the page asked for.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.address = address
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: str = "/") -> Page:
        """Open a page by its address and wait until it has settled."""
        self.page.goto(self.address + path)
        settled(self.page)
        return self.page

    def foreign_hosts(self) -> set[str]:
        """The hosts beside the console's own that were asked for anything."""
        hosts = {urlsplit(url).netloc for url in self.requests if url.startswith("http")}
        return hosts - {urlsplit(self.address).netloc}


def settled(page: Page) -> None:
    """Wait until the script has run and drawn."""
    page.wait_for_selector("[data-testid=stMain] h1", timeout=60_000)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)


@pytest.fixture(name="new_context")
def new_context_fixture(chromium: Browser) -> Iterator[Callable[[int, str], BrowserContext]]:
    """Makes browser contexts, as if each were another visitor's, in Berlin."""
    made: list[BrowserContext] = []

    def make(width: int, scheme: str) -> BrowserContext:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id="Europe/Berlin",
        )
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture(name="visit")
def visit_fixture(new_context: Callable[[int, str], BrowserContext], console: str) -> Visit:
    """A visit at a desk."""
    return Visit(new_context(1440, "light"), console)


@pytest.fixture(name="phone")
def phone_fixture(new_context: Callable[[int, str], BrowserContext], console: str) -> Visit:
    """A visit on a dark phone, the narrowest case."""
    return Visit(new_context(390, "dark"), console)
