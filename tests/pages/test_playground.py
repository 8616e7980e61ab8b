"""The playground without a browser."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from orchestrator import Application
from orchestrator.simulator import SimulatedTransport
from pages.parts import console
from store import Unavailable
from tests.conftest import MakeApplication


def generate(page: AppTest, prompt: str, services: list[str] | None = None) -> AppTest:
    """Fill in the form, press the button, wait until the run has ended."""
    page.text_area(key="playground_prompt").set_value(prompt)
    page.multiselect(key="playground_services").set_value(services or [])
    next(button for button in page.button if button.label == "Generate").click().run()
    deadline = time.monotonic() + 20
    while any(button.label == "Cancel" for button in page.button) and time.monotonic() < deadline:
        page.run()
    return page


def test_the_first_visit_says_what_to_do(page: AppTest) -> None:
    """No exception; an example, and the word that the models are simulated."""
    page.run()

    assert not page.exception
    assert "for example" in page.info[0].value
    assert "simulated" in page.caption[0].value


def test_a_prompt_gives_steps_and_price(page: AppTest) -> None:
    """After the run: four figures, the steps, the attempts."""
    generate(page.run(), "Alert the team on Slack", ["Slack"])

    assert not page.exception
    assert [metric.label for metric in page.metric] == ["Answered by", "Cost of all attempts", "Saved", "Time"]
    assert "Slack" in set(page.dataframe[0].value["Service"])
    assert len(page.dataframe[1].value) == 1


@pytest.mark.parametrize(("prompt", "sentence"), [("  ", "empty"), ("x" * 100_000, "at most 20,000")])
def test_bad_input_gets_a_sentence(page: AppTest, prompt: str, sentence: str) -> None:
    """Nothing is started; the sentence stands on the page."""
    generate(page.run(), prompt)

    assert not page.exception
    assert sentence in page.warning[0].value


def test_without_a_database_the_page_says_so(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's own sentence, and nothing else."""

    def away() -> Application:
        raise Unavailable("The data folder /x cannot be used.")

    monkeypatch.setattr(console, "application", away)
    page.run()

    assert not page.exception
    assert page.error[0].value == "The data folder /x cannot be used."


def test_a_failed_run_says_why(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, make_application: MakeApplication
) -> None:
    """When no model delivers, the sentence names both and what happened."""

    class Refusing(SimulatedTransport):
        async def handle_async_request(self, request):  # type: ignore[no-untyped-def]  # the parent's signature
            request.headers["x-simulated-fault"] = "overloaded"
            return await super().handle_async_request(request)

    application = make_application(transport=Refusing(speed=0))
    monkeypatch.setattr(console, "application", lambda: application)
    generate(page.run(), "Alert the team")

    assert not page.exception
    assert "gpt-4o-mini ended in api_error (HTTP 529" in page.error[0].value
