"""The playground without a browser."""

from __future__ import annotations

from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from orchestrator import Application
from orchestrator.simulator import SimulatedTransport
from pages.parts import console, run
from queries.runs import find_run
from store import Unavailable
from tests.conftest import MakeApplication
from tests.pages.conftest import SHELL


def generate(page: AppTest, prompt: str, services: list[str] | None = None) -> AppTest:
    """Fill in the form, press the button, wait until the run has ended."""
    page.text_area(key="playground_prompt").set_value(prompt)
    page.multiselect(key="playground_services").set_value(services or [])
    next(button for button in page.button if button.label == "Generate").click().run()
    if begun := run.known(UUID(page.query_params["run"])) if "run" in page.query_params else None:
        begun.job.future.exception(timeout=30)
        page.run()
    return page


def test_the_first_visit_says_what_to_do(page: AppTest) -> None:
    """No exception; an example, and the word that the models are simulated."""
    page.run()

    assert not page.exception
    assert any("Nothing generated yet" in caption.value for caption in page.caption)
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
    application.orchestrator.warm()
    monkeypatch.setattr(console, "application", lambda: application)
    generate(page.run(), "Alert the team")

    assert not page.exception
    assert "gpt-4o-mini ended in api_error (HTTP 529" in page.error[0].value


def test_a_run_has_an_address_of_its_own(page: AppTest) -> None:
    """Opening it again shows what was booked; generating again links the new run to it."""
    generate(page.run(), "Alert the team on Slack", ["Slack"])
    first = page.query_params["run"]
    fresh = AppTest.from_file(SHELL, default_timeout=20)
    fresh.query_params["run"] = first
    fresh.run()

    assert not fresh.exception
    assert any("Alert the team on Slack" in text.value for text in fresh.markdown)
    next(button for button in fresh.button if button.label == "Generate again").click().run()
    begun = run.known(UUID(fresh.query_params["run"]))
    assert begun is not None
    begun.job.future.exception(timeout=30)
    stored = find_run(console.application().person(), begun.generation_id)
    assert stored is not None
    assert str(stored.replaces_generation_id) == first


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("11111111-1111-4111-8111-111111111111", "no such run"), ("'; drop table", "names no run")],
)
def test_a_wrong_address_gets_a_sentence(page: AppTest, address: str, sentence: str) -> None:
    """An unknown id and something that is none are told apart; the page works on."""
    page.query_params["run"] = address
    page.run()

    assert not page.exception
    assert sentence in page.warning[0].value
    assert any(button.label == "Generate" for button in page.button)


def test_a_refused_answer_is_shown_with_its_findings(page: AppTest) -> None:
    """In offline mode the primary can be told to fail; what it said and why it was refused can be read."""
    page.run()
    page.selectbox(key="playground_fault").select("bad step")
    generate(page, "Alert the team on Slack", ["Slack"])

    assert not page.exception
    assert any("answered, and why it was refused" in expander.label for expander in page.expander)
    assert any("step_type is not one of" in text.value for text in page.markdown)
    assert page.metric[0].value == "Claude Sonnet 4"


def test_models_for_one_run_are_booked_as_such(page: AppTest) -> None:
    """Another primary without fallback leaves the settings alone."""
    page.run()
    page.selectbox(key="playground_primary").select("Claude Sonnet 4")
    page.toggle(key="playground_single").set_value(True)
    generate(page, "Alert the team")
    stored = find_run(console.application().person(), UUID(page.query_params["run"]))

    assert stored is not None
    assert (stored.overridden, stored.generator_used) == (True, "claude-sonnet-4")


def test_past_runs_are_listed_and_searched(page: AppTest) -> None:
    """Each with its link; a search that matches nothing says so."""
    generate(page.run(), "Alert the team")
    assert page.dataframe[-1].value["Prompt"].tolist() == ["Alert the team"]
    page.text_input(key="playground_search").set_value("nowhere").run()

    assert any("No run matches" in caption.value for caption in page.caption)
