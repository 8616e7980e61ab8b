"""A press takes effect once: never twice, and never silently not at all."""

from __future__ import annotations

from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from orchestrator import Application, GenerationOptions
from orchestrator.recording.outbox import OutboxState
from orchestrator.settings import read_settings
from orchestrator.system_keys import FALLBACK, PRIMARY
from pages.parts import system_keys
from pages.parts.frame import lost_press
from pages.parts.playground import generation
from store import Conflict
from store.identity import LOCAL_PERSON_ID
from tests.conftest import PooledStore
from tests.pages.conftest import OpenPage, said


def test_two_clicks_are_one_run(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of a double-click gets the first one's generation; later, the same request starts another."""

    def begun_for(prompt: str) -> generation.StartedGeneration:
        return generation.begin(application, prompt, ["Slack"], None, GenerationOptions(), user_id=LOCAL_PERSON_ID)

    clicks = [begun_for("Alert the team") for _ in range(4)]
    other = begun_for("Alert nobody")
    monkeypatch.setattr(generation, "DOUBLE_CLICK_S", 0.0)
    later = begun_for("Alert the team")

    ids: set[UUID] = {click.generation_id for click in clicks}
    assert len(ids | {other.generation_id, later.generation_id}) == 3
    for begun in (clicks[0], other, later):
        begun.job.future.result(timeout=30)


def test_two_clicks_are_one_save(store: PooledStore) -> None:
    """The second one, on the earlier version, finds its values saved; other values are a conflict."""
    person = store.person()
    first = system_keys._saved(person, {PRIMARY.name: "claude-sonnet-4"}, 1)

    assert system_keys._saved(person, {PRIMARY.name: "claude-sonnet-4"}, 1).version == first.version
    with pytest.raises(Conflict):
        system_keys._saved(person, {FALLBACK.name: "gpt-4o-mini"}, 1)
    assert read_settings(person).version == first.version


def test_a_press_that_nobody_heard_is_told(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first run of a session that starts with one, and only there."""
    monkeypatch.setattr(lost_press, "_pressed", lambda: True)
    page.run()
    assert "your last click had no effect" in said(page.warning)[0]
    assert page.session_state["lost_press_lost"] is True
    page.run()

    assert page.session_state["lost_press_lost"] is False
    assert not page.warning
    assert not page.exception


def test_what_waits_in_the_outbox_is_shown(
    open_page: OpenPage, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How much is not in the figures yet, and how much never will be."""
    recorder = application.orchestrator._recorder
    monkeypatch.setattr(recorder, "outbox", lambda: OutboxState(waiting=2, set_aside=1))
    page = open_page("overview.py")
    captions = "\n".join(said(page.caption))

    assert not page.exception
    assert "2 results waiting for the database and not in the figures yet" in captions
    assert "1 outbox file could not be recorded" in captions
