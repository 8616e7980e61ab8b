"""A running console, and Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for folder in _open_folder():
        environment = {"ORCHESTRATOR_DATA_DIR": str(folder / "data"), "STREAMLIT_SERVER_PORT": str(port)}
        with (folder / "console.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py"],
                cwd=ROOT,
                env=os.environ | environment | {"ORCHESTRATOR_OFFLINE_SPEED": "0.4"},
                stdout=log,
                stderr=log,
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
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)


@pytest.fixture(
    name="visit",
    params=[(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")],
    ids=lambda p: f"{p[0]}-{p[1]}",
)
def visit_fixture(request: pytest.FixtureRequest, chromium: Browser, console: str) -> Iterator[Visit]:
    """A first visit, at both widths and in both themes."""
    width, scheme = request.param
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield Visit(context, console)
    context.close()


@pytest.fixture(name="phone")
def phone_fixture(chromium: Browser, console: str) -> Iterator[Visit]:
    """A first visit on a dark phone, the narrowest case."""
    context = chromium.new_context(viewport={"width": 390, "height": 900}, color_scheme="dark")
    yield Visit(context, console)
    context.close()
