"""An admin changes the keys, in the browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Visit
from tests.browser.served import settled

# What the element with the focus is called: its own words, or those of its label.
_FOCUSED = """
(document.activeElement.innerText || document.activeElement.getAttribute("aria-label")
    || document.activeElement.labels?.[0]?.innerText || "").replace(/^(undo|arrow_drop_down)\\n/, "").trim()
"""


def test_a_change_a_conflict_a_return_and_a_roll_back(
    new_context: Callable[[int, str], BrowserContext], console: str
) -> None:
    """Two windows: one saves, the other is told instead of overwriting; any version can be returned to; rolling back
    takes two clicks from any page."""
    context = new_context(1440, "light")
    first, second = (Visit(context, console).open("/configuration") for _ in range(2))
    for window in (first, second):
        window.get_by_text("Ask a second model when the first one fails").click()
        expect(window.get_by_text("This will change")).to_be_visible(timeout=20_000)
    first.get_by_role("button", name="Save 1 change").click()
    expect(first.get_by_text("Saved as version 2")).to_be_visible(timeout=20_000)
    second.get_by_role("button", name="Save 1 change").click()
    expect(second.get_by_text("load them again")).to_be_visible(timeout=20_000)

    first.get_by_role("button", name="Return to it").last.click()
    expect(first.get_by_text("Saved as version 3")).to_be_visible(timeout=20_000)
    page = Visit(context, console).open("/playground")
    page.get_by_role("button", name="Roll back now").click()
    page.get_by_role("button", name="Roll back to Claude Sonnet 4").click()
    expect(page.get_by_text("Saved as version 4")).to_be_visible(timeout=20_000)
    page.goto(console + "/configuration")
    expect(page.get_by_role("combobox", name="Primary model")).to_have_value(
        "Claude Sonnet 4 · $0.0285 per workflow", timeout=20_000
    )


def test_by_keyboard_alone(phone: Visit) -> None:
    """Switch the fallback, save it, and roll back, without a pointer."""
    page = phone.open("/configuration")
    _tab_to(page, "Ask a second model when the first one fails")
    page.keyboard.press("Space")
    expect(page.get_by_text("This will change")).to_be_visible(timeout=20_000)
    _tab_to(page, "Save 1 change")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved as version")).to_be_visible(timeout=20_000)
    page.reload()
    settled(page)
    _tab_to(page, "Roll back now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Roll back to Claude Sonnet 4")).to_be_visible(timeout=20_000)
    _tab_to(page, "Roll back to Claude Sonnet 4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved as version")).to_be_visible(timeout=20_000)


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(_FOCUSED).startswith(name):
            return
    raise AssertionError(f"Tab never comes to {name!r}")
