"""How soon figures stand on each page, and how much moves while it loads."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from pages.parts.frame import menu
from tests.browser.served import chromium_program, data_folder, launched, settled, started

_ROUNDS = 3
_SAMPLE = ["--days", "30", "--per-day", "100"]
_SIZES = ((1440, 1000), (390, 844))
_FIRST_FIGURE = ", ".join(
    f"[data-testid={name}]"
    for name in ("stMetricValue", "stDataFrame", "stTextArea", "stSelectbox", "stCode", "stNumberInput")
)
# Cumulative layout shift as browsers report it: https://web.dev/articles/cls
_OBSERVE = """
window.moved = 0;
new PerformanceObserver(list => list.getEntries().forEach(one => { if (!one.hadRecentInput) moved += one.value }))
    .observe({type: "layout-shift", buffered: true});
"""


def lines() -> Iterator[str]:
    """A table in Markdown: each page with its first figure in seconds and its cumulative layout shift.

    Raises:
        RuntimeError: there is no Chromium.
    """
    program = chromium_program()
    if program is None:
        raise RuntimeError("There is no Chromium on the PATH.")
    yield "| | first figure | all of it | layout shift, 1440 px | layout shift, 390 px |"
    yield "|---|---:|---:|---:|---:|"
    with (
        data_folder(_SAMPLE) as data,
        started("app.py", data, speed="1") as address,
        sync_playwright() as playwright,
        contextlib.closing(launched(playwright, program)) as browser,
    ):
        _visit(browser, address, *_SIZES[0])  # the first visit to a process imports what the others find
        for entry in menu.PAGES:
            wide, narrow = (
                [_visit(browser, f"{address}/{entry.address}", *size) for _ in range(_ROUNDS)] for size in _SIZES
            )
            figure, whole = (median(visit[place] for visit in wide) for place in (0, 1))
            shifts = (max(visit[2] for visit in visits) for visits in (wide, narrow))
            figures = [f"{figure:.2f} s", f"{whole:.2f} s", *(f"{shift:.3f}" for shift in shifts)]
            yield f"| {' | '.join([entry.title, *figures])} |"


def _visit(browser: Browser, address: str, width: int, height: int) -> tuple[float, float, float]:
    """A visit with an empty cache: seconds to the first figure and to all of it, and the layout shift."""
    with contextlib.closing(browser.new_context(viewport={"width": width, "height": height})) as context:
        page = context.new_page()
        page.add_init_script(_OBSERVE)
        begun = time.perf_counter()
        page.goto(address)
        page.locator(_FIRST_FIGURE).first.wait_for(timeout=60_000)
        figure = time.perf_counter() - begun
        settled(page)
        whole = time.perf_counter() - begun
        page.wait_for_timeout(500)
        return figure, whole, float(page.evaluate("moved"))
