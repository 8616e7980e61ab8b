"""A running console, and Chromium to look at it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.hands import Keyboard, Pointer
from tests.browser.served import chromium_program, launched, served, settled

_DESK, _PHONE = 1440, 390
_SCREENS = [(width, scheme) for width in (_DESK, _PHONE) for scheme in ("light", "dark")]


def every_way(*quick: str) -> pytest.MarkDecorator:
    """At both widths, in both themes, by pointer and by keyboard alone.

    Args:
        quick: names of the ways that always run, such as `390-dark-keyboard`; the others are marked as long.
    """
    ways = [(width, scheme, hand) for width, scheme in _SCREENS for hand in (Pointer(), Keyboard())]
    named = {f"{width}-{scheme}-{type(hand).__name__.lower()}": ((width, scheme), hand) for width, scheme, hand in ways}
    marked = [
        pytest.param(*way, id=name, marks=[] if name in quick else [pytest.mark.long]) for name, way in named.items()
    ]
    return pytest.mark.parametrize(("visit", "hand"), marked, indirect=["visit"])


@pytest.fixture(name="console", scope="package")
def console_fixture() -> Iterator[str]:
    """The address of a console on an empty database with simulated models, started as `make run` starts it."""
    with served() as address:
        yield address


@pytest.fixture(name="sample_console", scope="package")
def sample_console_fixture() -> Iterator[str]:
    """The address of a console that holds a sample of forty days.

    Even at a weekend, with a third of the workflows, a day has enough of them to differ from usual days.
    """
    with served(sample=["--days", "40", "--per-day", "120"]) as address:
        yield address


@pytest.fixture(name="chromium", scope="package")  # its own event loop must not outlive this folder
def chromium_fixture() -> Iterator[Browser]:
    """The machine's Chromium; without one the suite is skipped, except where it is required."""
    program = chromium_program()
    if program is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER is set and there is no Chromium on the PATH")
        pytest.skip("there is no Chromium on the PATH")
    with sync_playwright() as playwright:
        browser = launched(playwright, program)
        yield browser
        browser.close()


class Visit:
    """One browser window at the console.

    Attributes:
        requests: every address that the page requested.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.address = address
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: str = "/") -> Page:
        """Open a page by its address and wait until it has settled."""
        return self._gone(self.page, path)

    def another(self, path: str) -> Page:
        """Open a page by its address in another window."""
        return self._gone(self.page.context.new_page(), path)

    def _gone(self, page: Page, path: str) -> Page:
        page.goto(self.address + path)
        settled(page)
        return page

    def foreign_hosts(self) -> set[str]:
        """The requested hosts other than the console's own."""
        hosts = {urlsplit(url).netloc for url in self.requests if url.startswith("http")}
        return hosts - {urlsplit(self.address).netloc}


@pytest.fixture(name="new_context")
def new_context_fixture(chromium: Browser) -> Iterator[Callable[[int, str], BrowserContext]]:
    """Makes browser contexts, each like that of another visitor in Berlin."""
    made: list[BrowserContext] = []

    def make(width: int, scheme: str) -> BrowserContext:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id="Europe/Berlin",
        )
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture(name="visit")
def visit_fixture(
    request: pytest.FixtureRequest, new_context: Callable[[int, str], BrowserContext], console: str
) -> Visit:
    """A visit on a screen of the width and theme that the test asks for."""
    return Visit(new_context(*request.param), console)


@pytest.fixture(name="phone")
def phone_fixture(new_context: Callable[[int, str], BrowserContext], console: str) -> Visit:
    """A visit on a dark phone, the narrowest case."""
    return Visit(new_context(_PHONE, "dark"), console)


@pytest.fixture(name="phone_sample")
def phone_sample_fixture(new_context: Callable[[int, str], BrowserContext], sample_console: str) -> Visit:
    """The same, on the console with a sample."""
    return Visit(new_context(_PHONE, "dark"), sample_console)
