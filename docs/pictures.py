"""Retakes the README's screenshots with sample data: `make pictures`."""

from __future__ import annotations

import contextlib
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from pages.parts.frame import menu
from tests.browser.served import chromium_program, launched, served, settled

_FOLDER = Path(__file__).parent / "pictures"
_PARAMETERS = {"fallbacks": "?period=90d"}
# How long Plotly takes to fade in the flow chart.
_FADE_IN_MS = 1_000
_PROMPT = "When a Zendesk ticket is urgent, alert the team on Slack, otherwise create a Jira issue."


def main() -> None:
    """Take every page in the light theme, and the overview in the dark theme too.

    Raises:
        SystemExit: there is no Chromium.
    """
    program = chromium_program()
    if program is None:
        raise SystemExit("There is no Chromium on the PATH.")
    _FOLDER.mkdir(exist_ok=True)
    with (
        served(sample=["--per-day", "300"], speed="0") as address,
        sync_playwright() as playwright,
        contextlib.closing(launched(playwright, program)) as browser,
    ):
        for entry in menu.PAGES:
            if entry.address != "playground":
                path = f"/{entry.address}{_PARAMETERS.get(entry.address, '')}"
                _take(_opened(browser, address + path, dark=False), Path(entry.file).stem)
        _take(_opened(browser, address, dark=True), "overview-dark")
        page = _opened(browser, address + "/playground", dark=False)
        _generate(page)
        _take(page, "playground")


def _opened(browser: Browser, address: str, *, dark: bool) -> Page:
    page = browser.new_page(
        viewport={"width": 1280, "height": 1000}, color_scheme="dark" if dark else "light", timezone_id="Europe/Berlin"
    )
    page.goto(address)
    settled(page)
    return page


def _generate(page: Page) -> None:
    page.get_by_label("Describe the process").fill(_PROMPT)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)
    settled(page)


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(_FADE_IN_MS)
    page.screenshot(path=_FOLDER / f"{name}.png", animations="disabled")
    page.close()


if __name__ == "__main__":
    main()
