"""How soon a visitor sees the console, compared with a bare Streamlit page that draws one table and one chart."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.measure import Comparison
from tests.browser.served import chromium_program, data_folder, launched, settled, started

_BARE = Path(__file__).parent / "bare_page.py"
_PEER = "a bare Streamlit page"
_ROUNDS = 5
_SAMPLE = ["--days", "30", "--per-day", "100"]


def measure() -> Iterator[Comparison]:
    """Time from the command to healthy, from there to the overview of a sample on screen, and for a second visitor.

    Raises:
        RuntimeError: there is no Chromium.
    """
    program = chromium_program()
    if program is None:
        raise RuntimeError("There is no Chromium on the PATH.")
    with (
        data_folder(_SAMPLE) as data,
        sync_playwright() as playwright,
        contextlib.closing(launched(playwright, program)) as browser,
    ):
        rounds = [
            (_start_and_look(browser, "app.py", data), _start_and_look(browser, _BARE, data)) for _ in range(_ROUNDS)
        ]
    for place, what in enumerate(("Start to healthy", "Healthy to overview drawn", "Overview, second visitor")):
        yield Comparison(what, _PEER, [(ours[place], theirs[place]) for ours, theirs in rounds])


def _start_and_look(browser: Browser, script: str | Path, data: Path) -> tuple[float, float, float]:
    begun = time.perf_counter()
    with started(script, data, speed="1") as address:
        healthy = time.perf_counter()
        _look(browser, address)
        drawn = time.perf_counter()
        _look(browser, address)
        return healthy - begun, drawn - healthy, time.perf_counter() - drawn


def _look(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    settled(page)
    page.close()
