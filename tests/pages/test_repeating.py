"""Asking again, here or elsewhere, and connecting what a description names."""

from __future__ import annotations

import ast
import shlex

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from orchestrator import Application, save_settings
from orchestrator.__main__ import parser
from pages.parts.generation.details import recorded
from pages.parts.generation.take_away import python_lines, terminal_line
from store.identity import LOCAL_PERSON_ID
from tests.conftest import PooledStore
from tests.pages.conftest import OpenPage, generate, press, said, stored


def test_the_lines_to_copy_do_the_same(
    open_page: OpenPage, application: Application, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program runs as copied and asks for the same; the command parses to the same request."""
    prompt, services = 'It\'s "urgent": tell `Slack` $now', ["Slack", "Google Drive"]
    result = application.orchestrator.generate_workflow(
        user_id=LOCAL_PERSON_ID, agent_id=None, prompt=prompt, services=services
    )
    page = open_page("playground.py", generation=str(result.generation_id))
    command, program = (code.value for code in page.code if "orchestrator" in code.value)
    monkeypatch.setattr("orchestrator.bootstrap", lambda: application)
    exec(program, {})  # noqa: S102 - it is our own

    asked = owner.execute("select prompt, services, count(*) from public.workflows group by prompt, services")
    assert asked.fetchall() == [(prompt, services, 2)]
    arguments = parser().parse_args(shlex.split(command)[3:])
    assert (arguments.prompt, arguments.services) == (prompt, ",".join(services))


def test_a_generation_can_be_edited_and_run(open_page: OpenPage, application: Application) -> None:
    """The form is filled with its request, services that are not common ones too."""
    result = application.orchestrator.generate_workflow(
        user_id=LOCAL_PERSON_ID, agent_id="agent-7", prompt="Tell the team", services=["Our CRM"]
    )
    page = press(open_page("playground.py", generation=str(result.generation_id)), "Edit and run")

    assert page.text_area(key="playground_prompt").value == "Tell the team"
    assert page.multiselect(key="playground_services").value == ["Our CRM"]
    assert page.text_input(key="playground_agent").value == "agent-7"


def test_services_that_the_description_names_can_be_connected(playground: AppTest) -> None:
    """Named and not connected, each once; one press connects them all, and what is connected stays."""
    playground.multiselect(key="playground_services").set_value(["Slack"]).run()
    prompt = "When a zendesk ticket arrives, tell slack and add a row to Google Sheets, not to a box."
    playground.text_area(key="playground_prompt").set_value(prompt).run()
    assert any("not connected: **Google Sheets and Zendesk**" in text for text in said(playground.markdown))
    press(playground, "Connect")

    assert playground.multiselect(key="playground_services").value == ["Slack", "Google Sheets", "Zendesk"]
    assert not any("not connected" in text for text in said(playground.markdown))


def test_again_repeats_models_and_failure(playground: AppTest) -> None:
    """With the same models and the same forced failure; both are badges, and editing brings them into the form."""
    playground.selectbox(key="playground_fault").select("bad_step")
    playground.selectbox(key="playground_primary").select("gpt-6-luna")
    playground.selectbox(key="playground_fallback").select("None: one attempt only")
    generate(playground, "Alert the team")
    first = stored(playground)
    press(playground, "Generate again")
    again = stored(playground)
    playground.run()

    assert again.replaces_generation_id == first.generation_id
    assert again.options == first.options
    assert (again.options.primary, again.options.forced_fault) == ("gpt-6-luna", "bad_step")
    assert [attempt.model for attempt in again.attempts] == ["gpt-6-luna"]
    badges = " ".join(said(playground.markdown))
    assert "GPT-6 Luna first, no fallback" in badges
    assert "Forced failure: bad step" in badges
    playground.selectbox(key="playground_fault").select("")
    press(playground, "Edit and run")
    assert playground.selectbox(key="playground_fault").value == "bad_step"
    assert playground.selectbox(key="playground_fallback").value == "None: one attempt only"


def test_again_says_what_has_changed_since(playground: AppTest, store: PooledStore) -> None:
    """The settings of today are not those of then."""
    generate(playground, "Alert the team")
    save_settings(store.person(), {"orchestrator_primary_model": "claude-sonnet-4"})
    playground.run()

    assert any("The settings have changed since, from version 1 to 2" in text for text in said(playground.caption))


def test_copied_lines_do_the_same(playground: AppTest) -> None:
    """The line for a terminal and the lines for Python ask the same models with the same failure."""
    playground.selectbox(key="playground_fault").select("bad_step")
    playground.selectbox(key="playground_primary").select("gpt-6-luna")
    playground.selectbox(key="playground_fallback").select("Claude Sonnet 4")
    playground.text_input(key="playground_agent").set_value("agent 7")
    generate(playground, "Alert the team", ["Slack"])
    details = recorded(stored(playground))
    line, program = shlex.split(terminal_line(details)), python_lines(details)
    words = parser().parse_args(line[3:])

    assert (words.prompt, words.services, words.agent_id) == ("Alert the team", "Slack", "agent 7")
    assert (words.primary, words.fallback, words.force_failure) == ("gpt-6-luna", "claude-sonnet-4", "bad_step")
    called = next(node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call) and node.keywords)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in called.keywords}
    assert given["agent_id"] == "'agent 7'"
    assert given["options"] == (
        "GenerationOptions(overrides=Overrides(primary='gpt-6-luna', fallback='claude-sonnet-4', "
        "fallback_enabled=True), primary_fault='bad_step')"
    )
