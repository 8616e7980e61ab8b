"""The two ways to use a page: with a pointer, and by keyboard alone."""

from __future__ import annotations

import contextlib
import re
from functools import reduce
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

from tests.browser.served import OPENINGS, choose, settled

# The name of the focused element: its label or its own text, without the name of an icon before it.
_FOCUSED = """
(document.activeElement.getAttribute("aria-label") || document.activeElement.labels?.[0]?.innerText
    || document.activeElement.innerText || "").replace(/^[a-z_]+\\n/, "").trim()
"""
_TAKES_ENTER = "['A', 'SUMMARY'].includes(document.activeElement.tagName)"
_MOST_TABS = 150
_PRESSED = ("button", "link", "radio", "tab")


Name = str | re.Pattern[str]
"""How something is called, or a pattern of that."""


class Hand(Protocol):
    """A way to use a page."""

    def press(self, page: Page, *names: Name) -> None:
        """Press the first button, switch, tab or link that has one of these names."""

    def write(self, page: Page, name: str, text: str) -> None:
        """Write into the field of this name."""

    def choose(self, page: Page, name: str, option: str) -> None:
        """Choose an option of the select box of this name."""


class Pointer:
    """With a pointer."""

    def press(self, page: Page, *names: Name) -> None:
        """Click it, or the text beside it."""
        settled(page)
        named = [page.get_by_role(role, name=name) for role in _PRESSED for name in names]  # type: ignore[arg-type]  # roles
        spoken = [page.get_by_text(name, exact=True) for name in names]
        reduce(Locator.or_, [*named, *spoken]).filter(visible=True).first.click()

    def write(self, page: Page, name: str, text: str) -> None:
        """Fill the field at once."""
        page.get_by_label(name).fill(text)

    def choose(self, page: Page, name: str, option: str) -> None:
        """Open the list and click the option."""
        choose(page, name, option)
        expect(page.get_by_label(name)).to_have_value(option)


class Keyboard:
    """By keyboard alone."""

    def press(self, page: Page, *names: Name) -> None:
        """Tab to it and press Space, or Enter where Space would only scroll."""
        settled(page)
        _tab_to(page, *names)
        page.keyboard.press("Enter" if page.evaluate(_TAKES_ENTER) else "Space")

    def write(self, page: Page, name: str, text: str) -> None:
        """Tab to it and type."""
        settled(page)
        _tab_to(page, name)
        page.keyboard.type(text)

    def choose(self, page: Page, name: str, option: str) -> None:
        """Tab to it, type the option, and take what is found; again if something redraws the box meanwhile."""
        for _ in range(OPENINGS):
            settled(page)
            _tab_to(page, name)
            page.keyboard.type(option)
            # Until the list is filtered, Enter would choose nothing.
            with contextlib.suppress(AssertionError):
                expect(page.get_by_role("option")).to_have_text([option])
                # The only option of the list is not always marked yet, and Enter takes the marked one.
                page.keyboard.press("ArrowDown")
                page.keyboard.press("Enter")
                expect(page.get_by_role("option")).to_have_count(0)
                # What was typed looks like a choice until the focus leaves the box.
                page.keyboard.press("Tab")
                expect(page.get_by_label(name)).to_have_value(option)
                return
            page.keyboard.press("Escape")
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("Shift+Tab")
        raise AssertionError(f"{name} does not take {option}")


def _tab_to(page: Page, *names: Name) -> None:
    seen = []
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(_FOCUSED))
        if any(_begins(seen[-1], name) for name in names):
            return
    raise AssertionError(f"Tab never comes to {names}, only to {list(dict.fromkeys(seen))}")


def _begins(text: str, name: Name) -> bool:
    return text.startswith(name) if isinstance(name, str) else bool(name.fullmatch(text))
