"""An admin changes the keys, in the browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, every_way
from tests.browser.hands import Hand


@every_way("1440-light-pointer", "390-dark-keyboard")
def test_a_change_a_conflict_a_return_and_a_roll_back(visit: Visit, hand: Hand) -> None:
    """Two windows: one saves, the other gets a conflict instead of overwriting; any version can be restored, even the
    first one; rolling back takes two clicks from any page."""
    first = visit.open("/settings")
    second = visit.another("/settings")
    for window in (first, second):
        hand.press(window, "Ask the fallback model when the primary model fails")
        expect(window.get_by_text("This will change")).to_be_visible(timeout=20_000)
    hand.press(first, "Save 1 change")
    version = _saved(first)
    hand.press(second, "Save 1 change")
    expect(second.get_by_text("load them again")).to_be_visible(timeout=20_000)
    hand.press(second, "Take theirs")
    expect(second.get_by_text("since you opened this page")).to_be_hidden(timeout=20_000)

    hand.press(first, "Restore")
    expect(first.get_by_text("This will change")).to_be_visible(timeout=20_000)
    hand.press(first, "Save 1 change")
    expect(first.get_by_text(f"Version {version + 1} applies")).to_be_visible(timeout=20_000)
    page = visit.another("/playground")
    hand.press(page, "Actions")
    hand.press(page, "Roll back to Claude Sonnet 4")
    assert _saved(page) > version  # if Claude is the primary model already, no version is added
    expect(page.get_by_role("button", name="Roll back to Claude Sonnet 4")).to_be_hidden(timeout=20_000)
    page.goto(f"{visit.address}/settings")
    primary = page.get_by_role("combobox", name="Primary model")
    expect(primary).to_have_value("Claude Sonnet 4 · $0.0285 per workflow", timeout=20_000)
    hand.press(page, "Restore the settings before version 2")
    expect(page.get_by_text("This will change")).to_be_visible(timeout=20_000)
    expect(primary).to_have_value("GPT-4o mini · $0.0012 per workflow", timeout=20_000)


def _saved(page: Page) -> int:
    """The version that was saved."""
    told = page.get_by_text(re.compile(r"Version \d+ applies"))
    expect(told).to_be_visible(timeout=20_000)
    return int(told.inner_text().split()[2])
