"""The playground without a browser."""

from __future__ import annotations

import json
from collections import OrderedDict

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from orchestrator.recording.ratings import rate
from orchestrator.simulator import SimulatedTransport
from pages.parts import console
from pages.parts.playground import generation
from store import Argument, Conflict, Database, Json, NotPermitted, Unavailable
from store.identity import LOCAL_PERSON_ID
from tests.conftest import MakeApplication, PooledStore
from tests.pages.conftest import OpenPage, ended, generate, press, said, stored


def test_the_first_visit_says_what_to_do(playground: AppTest) -> None:
    """No exception; where to describe a process, and a strip that models are simulated."""
    assert not playground.exception
    assert playground.text_area[0].label == "Describe the process"
    assert any("**Simulated.**" in text.value for text in playground.markdown)


def test_a_prompt_gives_steps_and_price(playground: AppTest) -> None:
    """After the generation: four figures, the steps and the attempts."""
    generate(playground, "Alert the team on Slack", ["Slack"])

    assert not playground.exception
    assert [metric.label for metric in playground.metric] == ["Answered by", "Cost of all attempts", "Saved", "Time"]
    assert "Slack" in set(playground.dataframe[0].value["Service"])
    assert [text.value for text in playground.markdown if text.value.startswith("**1.")] == ["**1. GPT\\-4o mini**"]


def test_a_long_description_can_be_opened(playground: AppTest) -> None:
    """Even without spaces; its beginning is shown above the generation."""
    prompt = "毎朝の注文を確認して報告する" * 40
    generate(playground, prompt)

    assert not playground.exception
    assert any(text.startswith(f"> {prompt[:400]} …") for text in said(playground.markdown))
    assert prompt in [code.value for code in playground.code]


@pytest.mark.parametrize(("prompt", "sentence"), [("  ", "empty"), ("x" * 100_000, "at most 20,000")])
def test_bad_input_gets_a_sentence(playground: AppTest, prompt: str, sentence: str) -> None:
    """Nothing is started; the page shows the message."""
    generate(playground, prompt)

    assert not playground.exception
    assert sentence in said(playground.warning)[0]


def test_a_failed_run_says_why(
    playground: AppTest, monkeypatch: pytest.MonkeyPatch, make_application: MakeApplication
) -> None:
    """If no model delivers, the message names both and what happened."""

    class Refusing(SimulatedTransport):
        async def handle_async_request(self, request):  # type: ignore[no-untyped-def]  # the parent's signature
            request.headers["x-simulated-fault"] = "overloaded"
            return await super().handle_async_request(request)

    application = make_application(transport=Refusing(speed=0))
    application.orchestrator.warm()
    monkeypatch.setattr(console, "application", lambda: application)
    generate(playground, "Alert the team")

    assert not playground.exception
    assert "GPT-4o mini, api error (HTTP 529" in said(playground.error)[0]


@pytest.mark.parametrize("whole", [False, True])
def test_a_workflow_that_is_not_booked_yet_is_shown(
    playground: AppTest, store: PooledStore, monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    """The database fails before the result is recorded, for that call alone or for all."""
    machine, person = store.machine(), store.person()
    away = set[str]()

    class Away:
        def __init__(self, database: Database) -> None:
            self.database = database

        def call(self, function: str, **arguments: Argument) -> Json:
            if function == "finish_generation" or function in away:
                raise Unavailable
            return self.database.call(function, **arguments)

    monkeypatch.setattr(store, "person", lambda: Away(person))
    monkeypatch.setattr(console.application().orchestrator._recorder._delivery, "_database", Away(machine))
    if whole:
        away.add("get_workflow")
    generate(playground, "Alert the team on Slack", ["Slack"])

    assert not playground.exception
    assert "is not recorded yet" in said(playground.info)[0]
    assert "Slack" in set(playground.dataframe[0].value["Service"])
    assert len(playground.error) == whole


def test_a_run_has_an_address_of_its_own(playground: AppTest, open_page: OpenPage) -> None:
    """Opening it again shows its record; generating again links the new generation to it, for the same agent."""
    playground.text_input(key="playground_agent").set_value("agent-7")
    generate(playground, "Alert the team on Slack", ["Slack"])
    first = stored(playground)
    fresh = open_page("playground.py", generation=str(first.generation_id))

    assert not fresh.exception
    assert first.agent_id == "agent-7"
    assert any("Alert the team on Slack" in text.value for text in fresh.markdown)
    press(fresh, "Generate again")
    again = stored(fresh)
    assert (again.replaces_generation_id, again.agent_id) == (first.generation_id, "agent-7")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("11111111-1111-4111-8111-111111111111", "does not exist"), ("'; drop table", "no valid generation ID")],
)
def test_a_wrong_address_gets_a_sentence(open_page: OpenPage, address: str, sentence: str) -> None:
    """An unknown ID and an invalid one get different messages; the page keeps working."""
    page = open_page("playground.py", generation=address)

    assert not page.exception
    assert sentence in page.warning[0].value
    assert any(button.label == "Generate" for button in page.button)


def test_somebody_elses_run_is_not_shown(
    playground: AppTest, owner: psycopg.Connection, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For everyone but admins, it is as if it did not exist."""
    generate(playground, "A secret plan")
    generation_id = ended(playground)
    monkeypatch.setattr(generation, "_started", OrderedDict())
    owner.execute("update public.workflows set user_id = gen_random_uuid(), actor_id = 'somebody else'")
    owner.execute("update public.console_roles set role = 'engineer' where user_id = %s", [LOCAL_PERSON_ID])
    page = open_page("playground.py", generation=str(generation_id))

    assert "belongs to someone else" in page.warning[0].value
    assert not any("A secret plan" in text.value for text in page.markdown)


def test_a_refused_answer_is_shown_with_its_findings(playground: AppTest) -> None:
    """In offline mode the primary can be made to fail; its reply is shown with each finding at its place."""
    playground.selectbox(key="playground_fault").select("Bad step")
    generate(playground, "Alert the team on Slack", ["Slack"])

    assert not playground.exception
    assert any("What it answered" in expander.label for expander in playground.expander)
    lines = next(code.value for code in playground.code if "◀" in code.value).splitlines()
    assert any('"step_type"' in line and "◀ The step_type must be one of" in line for line in lines)
    assert playground.metric[0].value == "Claude Sonnet 4"


def test_models_for_one_run_are_booked_as_such(playground: AppTest) -> None:
    """Another primary model without a fallback leaves the settings alone."""
    playground.selectbox(key="playground_primary").select("Claude Sonnet 4")
    playground.selectbox(key="playground_fallback").select("None: one attempt only")
    generate(playground, "Alert the team")
    found = stored(playground)

    assert (found.overridden, found.generator_used) == (True, "claude-sonnet-4")


def test_fields_of_an_odd_form_are_shown_as_they_are(
    playground: AppTest, owner: psycopg.Connection, open_page: OpenPage
) -> None:
    """Only three fields of a step are checked; whatever else a model wrote does not break the page."""
    generate(playground, "Alert the team")
    step = {"id": "a", "operation": "b", "step_type": "conditional", "service": ["x"], "depends_on": "nope"}
    steps = [step | {"branches": ["zz", {"when": 1, "next": {}}]}, step | {"id": "c", "depends_on": [4], "branches": 3}]
    owner.execute("update public.workflows set pilot_steps = %s", [json.dumps(steps)])
    page = open_page("playground.py", generation=str(ended(playground)))

    assert not page.exception
    assert page.dataframe[0].value["After"].tolist() == ["-", "4"]


def test_past_runs_are_listed(playground: AppTest) -> None:
    """The latest first, each with its link."""
    generate(playground, "Alert the team")
    table = playground.dataframe[-1].value
    assert table["Prompt"].tolist() == ["Alert the team"]
    assert table["Open"].tolist() == [f"./playground?generation={playground.query_params['generation']}"]
    playground.selectbox(key="playground_fault").select("Server error")
    playground.selectbox(key="playground_fallback").select("None: one attempt only")
    generate(playground, "Alert nobody")
    table = playground.dataframe[-1].value
    assert table["Status"].tolist() == ["Failed", "Completed"]
    assert table["Answered by"].tolist() == ["-", "GPT-4o mini"]


def test_a_workflow_is_rated_once(playground: AppTest, owner: psycopg.Connection, store: PooledStore) -> None:
    """The rating is an event and is shown from then on; it is the database that denies a second one."""
    generate(playground, "Alert the team on Slack", ["Slack"])
    generation_id = ended(playground)
    playground.feedback(key=f"rating_{generation_id}").set_value(1).run()

    assert not playground.exception
    assert any("You rated this workflow good" in text.value for text in playground.markdown)
    events = owner.execute("select details from public.audit_logs where action = 'WORKFLOW_RATED'").fetchall()
    assert events == [({"generation_id": str(generation_id), "score": 1, "simulated": True},)]
    with pytest.raises(Conflict, match="rated this workflow already"):
        rate(store.machine(), generation_id, actor_id=LOCAL_PERSON_ID, good=False)
    with pytest.raises(NotPermitted):
        rate(store.person(), generation_id, actor_id=LOCAL_PERSON_ID, good=False)
    with pytest.raises(NotPermitted, match="not yours"):
        rate(store.machine(), generation_id, actor_id="11111111-1111-4111-8111-111111111111", good=False)
