"""The audit log, people and API pages: what they write, and what they leave alone."""

from __future__ import annotations

from uuid import UUID

import psycopg
from streamlit.testing.v1 import AppTest

from orchestrator import Application
from queries.filters import Filters
from queries.period import latest
from queries.report import read_report
from store import clock, exact_json
from store.identity import LOCAL_PERSON_ID
from tests.conftest import PooledStore
from tests.pages.conftest import OpenPage, generate, press, stored, texts


def report(store: PooledStore) -> str:
    """All figures of the last days."""
    return exact_json(read_report(store.person(), latest(3, "UTC", clock.now()), Filters("all")))


def actions(owner: psycopg.Connection) -> list[str]:
    """The actions of the log, in order."""
    return [action for (action,) in owner.execute("select action from public.audit_logs order by timestamp, id")]


def test_erasing_takes_the_texts_and_leaves_the_figures(
    playground: AppTest, open_page: OpenPage, store: PooledStore, owner: psycopg.Connection
) -> None:
    """Prompt, services, steps and replies are gone, for good; every figure and event stays, with one more."""
    generate(playground, "A very personal plan", ["Slack"])
    generation_id, before = stored(playground).generation_id, report(store)
    page = open_page("people.py")
    page.text_input(key="erasure_who").set_value(LOCAL_PERSON_ID)
    press(page, "Erase")
    assert "Nothing was erased" in page.error[0].value
    page.text_input(key="erasure_who").set_value(LOCAL_PERSON_ID)
    page.checkbox(key="erasure_sure").check()
    press(page, "Erase")

    assert not page.exception
    assert "Erased the texts of 1 generation." in page.success[0].value
    assert "personal" not in str(owner.execute("select w::text from public.workflows as w").fetchall())
    assert report(store) == before
    assert actions(owner).count("WORKFLOW_TEXT_ERASED") == 1
    shown = open_page("playground.py", generation=str(generation_id))
    assert not shown.exception
    assert "were erased" in texts(shown)


def test_texts_are_erased_when_their_time_is_up(
    playground: AppTest, open_page: OpenPage, application: Application, owner: psycopg.Connection
) -> None:
    """An admin sets the days; the hourly round erases what is older, and nothing else."""
    for prompt in ("An old plan", "A new plan"):
        generate(playground, prompt)
    owner.execute("update public.workflows set started_at = now() - interval '8 days' where prompt = 'An old plan'")
    page = open_page("people.py")
    page.number_input(key="erasure_days").set_value(7)
    press(page, "Save the days")

    assert "kept for 7 days" in page.success[0].value
    assert application.housekeeping.once() == 1
    assert application.housekeeping.once() == 0
    assert owner.execute("select prompt from public.workflows order by started_at").fetchall() == [
        ("",),
        ("A new plan",),
    ]
    assert {"SYSTEM_CONFIG_UPDATED", "WORKFLOW_TEXT_ERASED"} <= set(actions(owner))


def test_reading_the_audit_log_leaves_one_event(open_page: OpenPage, owner: psycopg.Connection) -> None:
    """For each visit, not for each filter; an event has an address, an unknown one says so."""
    page = open_page("audit_log.py")
    page.selectbox(key="filter_severity").select("info").run()
    assert not page.exception
    assert actions(owner) == ["AUDIT_LOG_READ"]
    assert page.query_params["severity"] == "info"

    (event_id,) = owner.execute("select id from public.audit_logs").fetchone() or (UUID(int=0),)
    for address in (str(event_id), str(UUID(int=1)), "nonsense"):
        page.query_params["event"] = address
        assert not page.run().exception


def test_an_api_token_is_made_shown_once_and_revoked(open_page: OpenPage, owner: psycopg.Connection) -> None:
    """The database holds its hash; a blank name is refused in a sentence."""
    page = open_page("api_access.py")
    press(page, "Make it")
    assert "needs a name" in page.error[0].value
    page.text_input(key="token_name").set_value("The backend")
    press(page, "Make it")
    (secret,) = [code.value for code in page.code if code.value.startswith("oc_")]
    assert secret not in str(owner.execute("select t::text from private.api_tokens as t").fetchall())
    press(page, "Revoke")

    assert not page.exception
    assert not [code for code in page.code if code.value.startswith("oc_")]
    assert [action for action in actions(owner) if action.startswith("API")] == [
        "API_TOKEN_CREATED",
        "API_TOKEN_REVOKED",
    ]


def test_the_last_admin_stays(open_page: OpenPage, owner: psycopg.Connection) -> None:
    """Withdrawing one's own role would leave nobody who could give it back."""
    page = open_page("people.py")
    page.button(key=f"withdraw_{LOCAL_PERSON_ID}").click().run()

    assert "needs an admin" in page.error[0].value
    assert owner.execute("select count(*) from public.console_roles where role = 'admin'").fetchone() == (1,)
