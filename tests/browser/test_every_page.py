"""Every page with sample data, at both widths and in both themes; and five questions with few clicks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from pages.parts.frame import menu
from tests.browser.conftest import Visit
from tests.browser.served import settled

PAGES = [entry.title for entry in menu.PAGES]

BACKGROUNDS: dict[Literal["light", "dark"], str] = {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 22, 29)"}

# Without the many rules that passed.
ALL_RULES = {"resultTypes": ["violations"]}
CONTRAST = ALL_RULES | {"runOnly": ["color-contrast"]}

# Streamlit's own menus.
_OWN = ["[data-testid=stHeader]", "[data-testid=stSidebarNav]"]


@pytest.mark.parametrize(("width", "period"), [(1440, "30d"), (390, "365d")])
def test_every_page(
    new_context: Callable[[int, str], BrowserContext], sample_console: str, width: int, period: str
) -> None:
    """In light and dark: no exception, no sideways scroll, no foreign requests, no serious accessibility violations."""
    visit = Visit(new_context(width, "light"), sample_console)
    barriers = []
    page = visit.open(f"/cost?period={period}")
    for name in _walk(page):
        for theme, background in BACKGROUNDS.items():
            page.emulate_media(color_scheme=theme)
            expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
            # A theme changes only colours, and they are the same on a phone.
            rules = ALL_RULES if theme == "light" else CONTRAST
            if theme == "light" or width > 1000:
                barriers += [f"{name}, {theme}: {barrier}" for barrier in serious(page, rules)]

    assert visit.foreign_hosts() == set()
    assert barriers == []


def test_every_page_of_a_new_console(phone: Visit) -> None:
    """Empty and then with one workflow: no exception, no sideways scroll, no figure that was never measured."""
    page = phone.open("/overview")  # as guessed from the other addresses
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    assert list(_walk(page)) == PAGES
    page.goto(f"{phone.address}/playground")
    settled(page)
    page.get_by_label("Describe the process").fill("Read the mail and summarise it")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)
    assert list(_walk(page)) == PAGES


def _walk(page: Page) -> Iterator[str]:
    """Go from page to page by the menu, which closes itself on a real phone; check each page and yield its name."""
    for name in PAGES:
        if (menu := page.get_by_test_id("stExpandSidebarButton")).is_visible():
            menu.click()
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible(timeout=30_000)
        settled(page)
        assert page.locator("[data-testid=stException]").count() == 0, name
        assert page.get_by_text("Something went wrong").count() == 0, name
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        expect(page.get_by_role("button", name="Actions")).to_be_visible(timeout=30_000)
        yield name


def serious(page: Page, rules: dict[str, list[str]]) -> list[str]:
    """Violations that axe-core rates serious or critical, outside Streamlit's own menus."""
    context = {"exclude": [[selector] for selector in _OWN]}
    found = Axe().run(page, context=context, options=rules).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
