"""Every page with sample data, at both widths and in both themes; and five questions with few clicks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from pages.parts.frame import menu
from tests.browser.conftest import Visit
from tests.browser.served import choose, settled

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
        expect(page.get_by_role("button", name="Roll back now")).to_be_visible(timeout=30_000)
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


def test_five_questions(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> None:
    """Each is answered within three clicks from the overview."""
    context = new_context(1440, "light")

    # What did we save last month, net of waste?
    page = Visit(context, sample_console).open()
    page.get_by_role("link", name="Cost", exact=True).click()
    expect(page.get_by_text("of savings come from?")).to_be_visible(timeout=30_000)
    choose(page, "Period", "Last month")
    expect(page).to_have_url(re.compile("period=last-month"), timeout=30_000)
    expect(page.get_by_text("Saved", exact=True).first).to_be_visible()

    # Why did fallbacks rise on that day? Which change caused it, and whose? Revert it.
    page = Visit(context, sample_console).open()
    page.get_by_role("link", name="Fallbacks").click()
    expect(page.get_by_text("How often did the fallback answer?")).to_be_visible(timeout=30_000)
    _click_highest_point(page)
    expect(page.get_by_text(re.compile(r"The fallback answered .* validation failed"))).to_be_visible(timeout=30_000)
    expect(page.get_by_text("prompt version 2 was first used")).to_be_visible()
    expect(page.get_by_role("heading", name="Its fallbacks")).to_be_visible()

    # What if fallbacks reach 10 % at 100,000 agents?
    page = Visit(context, sample_console).open("/cost")
    page.get_by_role("spinbutton", name="Fallback rate, %").fill("10")
    page.get_by_role("spinbutton", name="Workflows per month").fill("100000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("With the fallback", exact=True).first).to_be_visible(timeout=30_000)


def test_a_change_is_found_and_put_back(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> None:
    """From the day on which fallbacks rose to the revert of its change; filters are kept between pages."""
    page = Visit(new_context(1440, "light"), sample_console).open("/fallbacks?model=gpt-6-luna")
    _click_highest_point(page)
    expect(page.get_by_text("Primary model: GPT-4o mini → GPT-6 Luna")).to_be_visible(timeout=30_000)
    expect(page.get_by_text(re.compile("sam\u2060?@example.com"))).to_be_visible()
    expect(page).to_have_url(re.compile(r"day=2026"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).not_to_have_url(re.compile(r"day=2026"))
    page.get_by_role("link", name="Latency").click()
    expect(page.get_by_role("heading", name="Latency", level=1)).to_be_visible(timeout=30_000)
    settled(page)
    expect(page.get_by_role("combobox", name="Answered by")).to_have_value("GPT-6 Luna")
    page.go_back()
    expect(page.get_by_role("heading", name="Fallbacks", level=1)).to_be_visible(timeout=30_000)
    _click_highest_point(page)
    expect(page.get_by_text("Already reverted").first).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Revert").first.click()
    expect(page.get_by_text("Nothing to revert: the settings already have these values.")).to_be_visible(timeout=30_000)


def _click_highest_point(page: Page) -> None:
    points = page.locator("[class*=st-key-chart_fallback_rate] .scatterlayer .point")
    expect(points.first).to_be_attached(timeout=30_000)
    settled(page)
    tops = [(box["y"], place) for place, box in enumerate(p.bounding_box() for p in points.all()) if box]
    # Changes are marked at the upper edge, above every rate.
    highest = min((y, place) for y, place in tops if y > min(tops)[0] + 20)
    points.nth(highest[1]).click(force=True)


def test_what_a_chart_shows_can_be_saved(
    new_context: Callable[[int, str], BrowserContext], sample_console: str
) -> None:
    """As CSV with all digits, which add up to the figure on the card; the page does not change."""
    page = Visit(new_context(1440, "light"), sample_console).open("/cost?period=90d")
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").first.click()
    figures = pd.read_csv(saved.value.path())

    assert saved.value.suggested_filename == "cost_daily.csv"
    assert list(figures) == ["day", "generator", "generations", "cost_usd", "answers_usd", "wasted_usd"]
    card = page.get_by_test_id("stMetric").filter(has_text=re.compile("^Cost(?! per)"))
    expect(card).to_contain_text(f"${figures['cost_usd'].sum():,.2f}")
