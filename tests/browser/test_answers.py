"""Answers and where they lie: questions with few clicks, drawers, addresses, keys."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.hands import Hand, Keyboard, Pointer
from tests.browser.served import OPENINGS, choose, served, settled


@pytest.mark.parametrize(
    ("width", "height", "hand"),
    [
        pytest.param(1440, 1000, Pointer(), id="1440-pointer"),
        pytest.param(390, 844, Pointer(), id="390-pointer"),
        pytest.param(1440, 1000, Keyboard(), id="1440-keyboard"),
        pytest.param(390, 844, Keyboard(), id="390-keyboard"),
    ],
)
def test_five_questions(
    new_context: Callable[[int, str], BrowserContext], sample_console: str, width: int, height: int, hand: Hand
) -> None:
    """From the overview: at most one click for the first three, two for the others; each answer inside the window."""
    context = new_context(width, "light")
    page = Visit(context, sample_console).open()
    page.set_viewport_size({"width": width, "height": height})

    # Is all well, and what should be done? What was saved, net of waste? No click, on a phone one scroll.
    screens = 1 if width > 1000 else 2
    assert _bottom(page.get_by_test_id("stAlert").first) <= screens * height
    assert _bottom(page.get_by_text("Saved", exact=True).first) <= height

    # Why did fallbacks rise, and since which change? One.
    cause = _opened_cause(page, hand)
    assert _bottom(cause) <= height
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    # What if fallbacks reach 10 % at 100,000 workflows a month? One, and two figures.
    hand.press(page, "See what it cost")
    expect(page.get_by_text("of savings come from?")).to_be_visible(timeout=30_000)
    for name, value in (("Workflows per month", "100000"), ("Fallback rate of the cheap model, %", "10")):
        hand.write(page, name, value)
        page.keyboard.press("Enter")
        settled(page)
    expect(page.get_by_text("100,000 workflows")).to_be_visible(timeout=30_000)
    answer = page.get_by_text("With the fallback", exact=True).first
    expect(answer).to_be_visible(timeout=30_000)
    assert _bottom(answer) <= screens * height

    # How far can the cheap model go? Two: on a phone, the menu must be opened.
    page = Visit(context, sample_console).open()
    if (menu_button := page.get_by_test_id("stExpandSidebarButton")).is_visible() and isinstance(hand, Pointer):
        menu_button.click()
    hand.press(page, "Rollout")
    phase = page.get_by_text("The figures support this phase")
    expect(phase).to_be_visible(timeout=30_000)
    assert _bottom(phase) <= screens * height


@pytest.mark.parametrize("address", ["", "cost", "fallbacks", "latency", "quality"])
def test_the_first_figure_is_near_the_top_of_a_phone(phone_sample: Visit, address: str) -> None:
    """Within 300 pixels, with every control of the header beside its title."""
    page = phone_sample.open(f"/{address}")
    figure = page.get_by_test_id("stMetricValue").first
    expect(figure).to_be_visible(timeout=30_000)
    assert _bottom(figure) <= 300
    for name in ("Filters", "Search", "Actions"):
        box = page.get_by_role("button", name=re.compile(f"^{name}( Shortcut|$)")).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390 - 12
        assert box["y"] + box["height"] <= 120


def _bottom(element: Locator) -> float:
    """Where an element ends, in pixels below the upper edge of the window."""
    box = element.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@pytest.fixture(name="own_console")
def own_console_fixture() -> Iterator[str]:
    """A console whose settings no other test reads."""
    with served() as address:
        yield address


def test_a_change_is_found_and_undone(new_context: Callable[[int, str], BrowserContext], own_console: str) -> None:
    """From its line in the list to its undo in place, with a reason; Back and Escape close the drawer."""
    page = Visit(new_context(1440, "light"), own_console).open("/settings")
    choose(page, "Primary model", "GPT-6 Luna · $0.00095 per workflow")
    page.get_by_role("button", name=re.compile("^Save")).click(timeout=30_000)
    expect(page.get_by_text(re.compile(r"Version \d+ applies"))).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Details").first.click()
    expect(page).to_have_url(re.compile(r"change=2"), timeout=30_000)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Primary model: GPT-6 Luna → GPT-4o mini")).to_be_visible(timeout=30_000)
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile(r"change="))
    page.get_by_role("button", name="Details").first.click()
    dialog.get_by_role("textbox", name="Reason").fill("It was a test")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Undo").click()
    expect(dialog.get_by_text(re.compile(r"Version \d+ applies"))).to_be_visible(timeout=30_000)

    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("“It was a test”")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("combobox", name="Primary model")).to_have_value("GPT-4o mini · $0.0012 per workflow")


def test_a_day_is_opened_and_left(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> None:
    """A click on a point opens its day, which the address names; filters are kept between pages, and Back works."""
    page = Visit(new_context(1440, "light"), sample_console).open("/fallbacks?model=gpt-6-luna")
    _click_highest_point(page)
    expect(page.get_by_text("Primary model: GPT-4o mini → GPT-6 Luna").last).to_be_visible(timeout=30_000)
    expect(page.get_by_text(re.compile("sam\u2060?@example.com"))).to_be_visible()
    expect(page).to_have_url(re.compile(r"day=2026"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).not_to_have_url(re.compile(r"day=2026"))
    page.get_by_role("link", name="Latency").click()
    expect(page.get_by_role("heading", name="Latency", level=1)).to_be_visible(timeout=30_000)
    settled(page)
    expect(page).to_have_url(re.compile("model=gpt-6-luna"))
    page.go_back()
    expect(page.get_by_role("heading", name="Fallbacks", level=1)).to_be_visible(timeout=30_000)
    _click_highest_point(page)
    expect(page.get_by_text("Undo this change", exact=True).first).to_be_visible(timeout=30_000)
    settled(page)  # the drawer is drawn again after the address has its day
    change = page.get_by_role("strong").filter(has_text="Primary model: GPT-4o mini → GPT-6 Luna").last
    story = page.get_by_test_id("stVerticalBlock").filter(has=change).last
    story.get_by_text("Undo this change", exact=True).click()
    expect(page.get_by_text("Already undone").filter(visible=True).first).to_be_visible(timeout=30_000)


def test_every_mark_has_an_address(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> None:
    """Chosen from the list beside its chart; a reload opens it again, and Escape takes it out of the address."""
    page = Visit(new_context(1440, "light"), sample_console).open("/cost")
    box = page.get_by_role("combobox", name=re.compile("^Open a data point of the chart: What did each day cost"))
    box.focus()
    page.keyboard.type("Claude Sonnet 4, answers")
    expect(page.get_by_role("option").first).to_be_visible(timeout=30_000)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=re.compile("^Answered by Claude Sonnet 4 on"))).to_be_visible(
        timeout=30_000
    )
    expect(page).to_have_url(re.compile("mark=cost_daily"))
    page.reload()
    expect(dialog.get_by_role("heading", name=re.compile("^Answered by Claude Sonnet 4 on"))).to_be_visible(
        timeout=30_000
    )
    settled(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("mark="))


def test_back_closes_a_drawer(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> None:
    """A row of the flow opens one; after Back the same row opens it again."""
    page = Visit(new_context(1440, "light"), sample_console).open("/flow")
    dialog = page.get_by_role("dialog")
    for _ in range(2):
        page.get_by_test_id("stDataFrame").click(position={"x": 18, "y": 55})
        expect(dialog).to_be_visible(timeout=30_000)
        expect(page).to_have_url(re.compile("mark=flow_ways"))
        settled(page)
        page.go_back()
        expect(dialog).to_have_count(0, timeout=30_000)
        expect(page).not_to_have_url(re.compile("mark="))
        settled(page)


def _opened_cause(page: Page, hand: Hand) -> Locator:
    """Open the rise of fallbacks that a new prompt caused; on which weekday it was decides how far up it stands."""
    rises = page.get_by_role("button", name=re.compile("Fallback rate .*, usually"))
    expect(rises.first).to_be_visible(timeout=30_000)
    for name in [text.splitlines()[-1] for text in rises.all_inner_texts()]:
        hand.press(page, name)
        expect(page.get_by_role("dialog")).to_be_visible(timeout=30_000)
        settled(page)
        cause = page.get_by_text("Prompt version 2 first used")
        if cause.count():
            return cause
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    raise AssertionError("no rise of fallbacks names the prompt version that caused it")


def _look_for(page: Page, box: re.Pattern[str], text: str) -> None:
    """Type into a box until its list shows something; again if something redraws the box meanwhile."""
    for _ in range(OPENINGS):
        page.get_by_role("combobox", name=box).focus()
        page.keyboard.type(text)
        with contextlib.suppress(AssertionError):
            expect(page.get_by_role("option").first).to_be_visible(timeout=10_000)
            return
        page.keyboard.press("Escape")
    raise AssertionError(f"the list of {box.pattern} does not open")


def test_dialogs_take_turns(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> None:
    """An address that names several, and the search above an open drawer: one at a time, and no exception."""
    page = Visit(new_context(1440, "light"), sample_console).open("/fallbacks")
    _look_for(page, re.compile("^Open a data point of the chart: How often"), "Fallback rate")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible(timeout=30_000)
    settled(page)
    day = page.url.partition("?")[2]
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_visible(timeout=30_000)
    settled(page)
    assert page.get_by_test_id("stException").count() == 0
    page.goto(f"{sample_console}/settings")
    settled(page)
    page.get_by_role("button", name="Details").first.click()
    expect(page).to_have_url(re.compile("change="), timeout=30_000)
    change = page.url.partition("?")[2]
    page.goto(f"{sample_console}/fallbacks?{day}&{change}&mark=fallback_reasons~nothing")
    settled(page)

    expect(page.get_by_role("dialog")).to_have_count(1)
    assert page.get_by_test_id("stException").count() == 0


def test_a_generation_is_found(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> None:
    """By search and filters in the address; its row opens a drawer, and the list goes on page by page."""
    page = Visit(new_context(1440, "light"), sample_console).open("/generations")
    expect(page.get_by_text("1 to 50")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_text("51 to ")).to_be_visible(timeout=30_000)
    page.get_by_placeholder("Prompt, agent or ID").fill("zendesk")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("search=zendesk"), timeout=30_000)
    settled(page)
    rows = page.get_by_test_id("stDataFrame")
    rows.click(position={"x": 18, "y": 55})
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("What it took")).to_be_visible(timeout=30_000)
    expect(dialog.get_by_text("Zendesk").first).to_be_visible()
    expect(page).to_have_url(re.compile("generation="))
    page.reload()
    expect(dialog.get_by_text("What it took")).to_be_visible(timeout=30_000)
    dialog.get_by_role("button", name="Edit and run").click()
    expect(page.get_by_label("Describe the process")).to_have_value(re.compile("Zendesk"), timeout=30_000)


def test_pages_are_a_key_away(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> None:
    """A digit opens a page, the palette finds pages and actions, and a list says so."""
    page = Visit(new_context(1440, "dark"), sample_console).open()
    page.keyboard.press("4")
    expect(page.get_by_role("heading", name="Cost", level=1)).to_be_visible(timeout=30_000)
    settled(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused(timeout=30_000)
    page.keyboard.type("latency")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Latency", level=1)).to_be_visible(timeout=30_000)
    settled(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused(timeout=30_000)
    page.keyboard.type("roll back")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Roll back to Claude Sonnet 4")).to_be_visible(timeout=30_000)
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Latency", level=1).click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Search pages, actions")).to_be_visible(timeout=30_000)


def _click_highest_point(page: Page) -> None:
    points = page.locator("[class*=st-key-chart_fallback_rate] .scatterlayer .point")
    expect(points.first).to_be_attached(timeout=30_000)
    settled(page)
    # The points along the lines of changes cannot be seen.
    seen = [point for point in points.all() if point.evaluate("point => getComputedStyle(point).opacity") != "0"]
    boxes = [(box["y"], place) for place, box in enumerate(point.bounding_box() for point in seen) if box]
    seen[min(boxes)[1]].click(force=True)


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
