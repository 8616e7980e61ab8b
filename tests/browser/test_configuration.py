"""An admin changes the keys, in the browser."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit


def test_every_width_and_theme(visit: Visit) -> None:
    """The page opens by its address, shows its projection, and scrolls in one direction only."""
    page = visit.page
    page.goto(page.url.rstrip("/") + "/configuration")
    expect(page.get_by_text("Earlier versions")).to_be_visible(timeout=30_000)

    assert page.locator("[data-testid=stException]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_change_a_conflict_and_a_roll_back(chromium: Browser, console: str) -> None:
    """Two windows: one saves, the other is told instead of overwriting; rolling back takes two clicks."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1200})
    first, second = _opened(context.new_page(), console), _opened(context.new_page(), console)
    for window in (first, second):
        window.get_by_text("Ask a second model when the first one fails").click()
        expect(window.get_by_text("This will change")).to_be_visible(timeout=15_000)
    first.get_by_role("button", name="Save 1 change").click()
    expect(first.get_by_text("Saved as version")).to_be_visible(timeout=15_000)
    second.get_by_role("button", name="Save 1 change").click()
    expect(second.get_by_text("load them again")).to_be_visible(timeout=15_000)

    first.get_by_role("button", name="Roll back now").click()
    first.get_by_role("button", name="Roll back to Claude Sonnet 4").click()
    expect(first.get_by_text("Saved as version 3")).to_be_visible(timeout=15_000)
    first.goto(console + "/configuration")
    expect(first.get_by_role("combobox", name="Primary model")).to_have_value(
        "Claude Sonnet 4 · $0.0285 per workflow", timeout=15_000
    )
    context.close()


def _opened(page: Page, console: str) -> Page:
    page.goto(console + "/configuration")
    expect(page.get_by_text("Earlier versions")).to_be_visible(timeout=30_000)
    return page
