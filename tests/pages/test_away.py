"""The database unavailable, or one of its calls failing."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from orchestrator import Application
from pages.parts import console
from store import Argument, Json, Unavailable
from tests.conftest import PooledStore
from tests.pages.conftest import PAGES, OpenPage, said


@pytest.mark.parametrize("file", PAGES)
def test_without_a_database_the_page_says_so(page: AppTest, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """The store's own message; no traceback and no blank page."""

    def away() -> Application:
        raise Unavailable("The data folder /x cannot be used.")

    page.run()
    monkeypatch.setattr(console, "application", away)
    page.switch_page(file).run()

    assert not page.exception
    assert said(page.error)[0] == "The data folder /x cannot be used."
    assert page.title[0].value


@pytest.mark.parametrize("file", PAGES)
def test_a_database_that_stops_under_an_open_page(
    page: AppTest, store: PooledStore, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """The same if only the calls fail."""

    class Gone:
        def call(self, function: str, **arguments: Argument) -> Json:
            raise Unavailable("The embedded database is not running; start the program again.")

    page.run()
    page.switch_page(file).run()
    monkeypatch.setattr(store, "person", Gone)
    page.run()

    assert not page.exception
    assert "not running" in page.error[0].value


def test_one_call_that_fails_takes_its_own_part_alone(
    open_page: OpenPage, sample: PooledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before stays on the page, and a message says why the rest is missing."""
    person = sample.person()

    class Slow:
        def call(self, function: str, **arguments: Argument) -> Json:
            if function in ("list_generations", "list_workflows"):
                raise Unavailable("The database took too long.")
            return person.call(function, **arguments)

    monkeypatch.setattr(sample, "person", Slow)
    page = open_page("overview.py")

    assert not page.exception
    assert "took too long" in page.error[0].value
    assert page.metric
