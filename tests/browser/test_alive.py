"""The console stays alive: through a restart, a killed database, a double click, and below any path."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Visit
from tests.browser.served import data_folder, free_port, settled, started
from tests.cluster.conftest import kill_server

GENERATE = re.compile("^Generate(?! again)")
PROMPT = "When a ticket is urgent, alert the team"
NewContext = Callable[[int, str], BrowserContext]


@pytest.fixture(name="data")
def data_fixture() -> Iterator[Path]:
    """An empty data folder of this test's own."""
    with data_folder() as data:
        yield data


def connected(page: Page) -> None:
    """Wait until the page has its server again."""
    page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]", timeout=90_000)


def generate(page: Page) -> None:
    """Press the button."""
    page.get_by_role("button", name=GENERATE).click(timeout=30_000)


def test_a_press_after_a_restart_is_refused_aloud_and_the_next_one_works(data: Path, new_context: NewContext) -> None:
    """The typed text is still there."""
    port = free_port()
    with started("app.py", data, "0", port=port) as address:
        visit = Visit(new_context(1440, "light"), address)
        page = visit.open("/playground")
        page.get_by_label("Describe the process").fill(PROMPT)
    with started("app.py", data, "0", port=port):
        connected(page)
        generate(page)
        expect(page.get_by_text("your last click had no effect")).to_be_visible(timeout=30_000)
        settled(page)
        assert page.get_by_label("Describe the process").input_value() == PROMPT
        generate(page)

        expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)
        expect(page.get_by_text("your last click had no effect")).to_be_hidden()


def test_a_press_after_a_long_time_offline_is_refused_aloud(data: Path, new_context: NewContext) -> None:
    """The session has been dropped meanwhile; here after a second, by default after two minutes."""
    with started("app.py", data, "0", STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1") as address:
        context = new_context(390, "dark")
        page = Visit(context, address).open("/playground")
        page.get_by_label("Describe the process").fill(PROMPT)
        context.set_offline(True)
        page.evaluate("window.dispatchEvent(new Event('offline'))")
        page.wait_for_timeout(4_000)
        context.set_offline(False)
        connected(page)
        generate(page)

        expect(page.get_by_text("your last click had no effect").or_(page.get_by_text("What it took"))).to_be_visible(
            timeout=60_000
        )
        if page.get_by_text("your last click had no effect").is_visible():
            settled(page)
            generate(page)
        expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)


def test_a_double_click_pays_once(data: Path, new_context: NewContext) -> None:
    """However quick it is, only one generation is in the list."""
    with started("app.py", data, "0.2") as address:
        page = Visit(new_context(1440, "light"), address).open("/playground")
        for delay_ms in (0, 150):
            page.get_by_label("Describe the process").fill(f"{PROMPT} {delay_ms}")
            button = page.get_by_role("button", name=GENERATE)
            if delay_ms:
                button.click()
                page.wait_for_timeout(delay_ms)
                button.click(force=True)
            else:
                button.dblclick()
            expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)
            settled(page)

        runs = json.loads(_report(data))["generations"]
    assert runs == 2


def test_a_killed_database_comes_back_under_an_open_page(data: Path, new_context: NewContext) -> None:
    """The next use of the page starts it again, and health reports it."""
    with started("app.py", data, "0") as address:
        page = Visit(new_context(1440, "light"), address).open("/playground")
        page.get_by_label("Describe the process").fill(PROMPT)
        kill_server(data)
        generate(page)

        expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)
        kill_server(data)
        with urllib.request.urlopen(f"{address}/api/health", timeout=30) as answer:  # noqa: S310 - it is http
            assert json.load(answer) == {"status": "ok"}
        assert page.locator("[data-testid=stException]").count() == 0


def test_links_hold_below_a_path(data: Path, new_context: NewContext) -> None:
    """Nothing inside leads to the root."""
    with started("app.py", data, "0", base_path="console") as address:
        page = Visit(new_context(1440, "light"), address).open("/playground")
        page.get_by_label("Describe the process").fill(PROMPT)
        generate(page)
        expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)
        page.get_by_role("button", name="Generate again").click()
        link = page.get_by_role("link", name="an earlier generation")
        expect(link).to_be_visible(timeout=60_000)
        link.click()
        other = page.context.pages[-1]
        settled(other)

        assert other.url.startswith(f"{address}/playground?generation=")
        expect(other.get_by_text("What it took")).to_be_visible(timeout=60_000)
        absolute = "[...document.querySelectorAll('[data-testid=stMain] a')].map(a => a.getAttribute('href'))"
        assert [
            href for href in page.evaluate(absolute) if href and href.startswith("/") and "console" not in href
        ] == []


def _report(data: Path) -> str:
    command = [sys.executable, "-m", "queries", "report", "--json"]
    environment = os.environ | {"ORCHESTRATOR_DATA_DIR": str(data)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
