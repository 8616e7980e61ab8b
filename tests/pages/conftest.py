"""The shell with the test's own application behind it."""

from __future__ import annotations

import gc
import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from orchestrator import Application
from pages.parts import cards, console
from pages.parts.frame import menu
from pages.parts.playground import generation
from queries.records.stored import StoredGeneration, find_generation
from store.identity import LOCAL_PERSON_ID

SHELL = str(Path(__file__).parents[2] / "pages" / "shell.py")

OpenPage = Callable[..., AppTest]

PAGES = [entry.file for entry in menu.PAGES]
REPORTS = [entry.file for entry in menu.PAGES if entry.filtered]

SAMPLE_DAYS = "2026-10-22..2026-11-20"
"""The last 30 days of the sample, as written in the address."""


@pytest.fixture(name="_imported", scope="session")
def imported_fixture() -> Iterator[None]:
    """Do once per session what a process does once: scan imported modules and installed packages."""
    importlib.import_module("pages.parts.charts")
    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(name="page")
def page_fixture(application: Application, monkeypatch: pytest.MonkeyPatch, _imported: None) -> AppTest:
    """The console's first page, not run yet."""
    # Importing the SDKs takes seconds, and Streamlit's harness would time out.
    application.orchestrator.warm()
    monkeypatch.setattr(console, "application", lambda: application)
    monkeypatch.setattr(cards, "_DRAWING_S", 0.0)  # there is no browser to wait for
    return shell()


def shell() -> AppTest:
    """The console as a browser in Berlin opens it."""
    page = AppTest.from_file(SHELL, default_timeout=30)
    page.context = {"timezone": "Europe/Berlin"}
    return page


@pytest.fixture(name="open_page")
def open_page_fixture(page: AppTest) -> OpenPage:
    """Opens a page by its file and its address parameters."""

    def open_page(file: str, **parameters: str) -> AppTest:
        page.run()
        page.switch_page(file)
        page.query_params.update(parameters)
        return page.run()

    return open_page


def said(elements: Iterable[Any]) -> list[str]:
    """The texts of these elements without Markdown escapes."""
    return [re.sub(r"\\([!-/:-@\[-`{-~])|\u2060", r"\1", str(element.value)) for element in elements]


def press(page: AppTest, label: str) -> AppTest:
    """Click the button with this label."""
    return next(button for button in page.button if button.label == label).click().run()


def texts(page: AppTest) -> str:
    """All texts of a page."""
    elements = [*page.markdown, *page.caption, *page.error, *page.warning, *page.info, *page.success]
    return "\n".join(said(elements))


@pytest.fixture(name="playground")
def playground_fixture(open_page: OpenPage) -> AppTest:
    """The playground, run once."""
    return open_page("playground.py")


def generate(page: AppTest, prompt: str, services: list[str] | None = None) -> AppTest:
    """Fill in the form, press the button and wait until the generation has ended."""
    page.text_area(key="playground_prompt").set_value(prompt)
    page.multiselect(key="playground_services").set_value(services or [])
    press(page, "Generate")
    if "generation" in page.query_params:
        ended(page)
        page.run()
    return page


def ended(page: AppTest) -> UUID:
    """The ID of the page's generation, once it has ended."""
    begun = generation.known(UUID(page.query_params["generation"]), LOCAL_PERSON_ID)
    assert begun is not None
    begun.job.future.exception(timeout=30)
    return begun.generation_id


def stored(page: AppTest) -> StoredGeneration:
    """The page's generation as recorded."""
    found = find_generation(console.application().person(), ended(page))
    assert found is not None
    return found
