"""How soon somebody sees the console, against a bare Streamlit page that draws one table and one chart."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.measure import Comparison
from tests.browser.served import chromium_program, launched, served, settled

_BARE = Path(__file__).parent / "bare_page.py"
_PEER = "a bare Streamlit page"
_ROUNDS = 5


def measure() -> Iterator[Comparison]:
    """From the command to a health answer, from there to a drawn first page, and a rerun of the script.

    Raises:
        RuntimeError: there is no Chromium.
    """
    program = chromium_program()
    if program is None:
        raise RuntimeError("There is no Chromium on the PATH.")
    with sync_playwright() as playwright, contextlib.closing(launched(playwright, program)) as browser:
        ours, theirs = zip(
            *((_start_and_look(browser, "app.py"), _start_and_look(browser, _BARE)) for _ in range(_ROUNDS)),
            strict=True,
        )
    for place, what in enumerate(("Start to health", "First page after it", "The page again, by another visitor")):
        mine, others = (statistics.median(times[place] for times in side) for side in (ours, theirs))
        yield Comparison(what, mine, _PEER, others)


def _start_and_look(browser: Browser, script: str | Path) -> tuple[float, float, float]:
    begun = time.perf_counter()
    with served(script) as address:
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
