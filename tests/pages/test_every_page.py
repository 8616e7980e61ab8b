"""Every page in every state: empty, one generation, sample data, a person without a role."""

from __future__ import annotations

import json
from datetime import date, timedelta

import psycopg
import pytest

from orchestrator import Application
from pages.parts.words import percent, seconds
from queries.filters import Filters
from queries.period import period
from queries.report import read_report
from store import clock
from store.identity import LOCAL_PERSON_ID
from tests.conftest import NOW, SAMPLE_UNTIL, PooledStore
from tests.pages.conftest import PAGES, REPORTS, SAMPLE_DAYS, OpenPage, press, texts


@pytest.mark.parametrize("file", PAGES)
def test_empty(open_page: OpenPage, file: str) -> None:
    """No exception, no figure that was never measured; a link to the playground."""
    page = open_page(file)

    assert not page.exception
    assert not page.error
    assert "0.0 %" not in [metric.value for metric in page.metric]
    if file in REPORTS:
        assert "Nothing to show yet" in texts(page)
        assert "load_empty" in {button.key for button in page.button}


@pytest.mark.parametrize("file", PAGES)
def test_one_run(open_page: OpenPage, application: Application, file: str) -> None:
    """A single generation is shown, and judged as too few to say anything."""
    application.orchestrator.generate_workflow(
        user_id=LOCAL_PERSON_ID, agent_id=None, prompt="Tell Slack", services=["Slack"]
    )
    # An event is never before the start of its generation, which is the database's current time.
    today = clock.system().date()
    page = open_page(file, period="days", days=f"{today - timedelta(days=1)}..{today + timedelta(days=1)}")

    assert not page.exception
    assert not page.error
    if file == "rollout.py":
        assert "Wait." in texts(page)
    if file == "cost.py":
        assert "Too little was measured in this period" in texts(page)


@pytest.mark.parametrize("file", PAGES)
def test_sample_data(sample: PooledStore, open_page: OpenPage, file: str) -> None:
    """Every chart and table is drawn; the page says that there is sample data."""
    page = open_page(file, period="days", days=SAMPLE_DAYS)

    assert not page.exception
    assert not page.error
    assert any(button.label == "Remove sample data" for button in page.button)


def test_the_pages_show_what_the_command_prints(sample: PooledStore, open_page: OpenPage) -> None:
    """For the same days, zone and source: cost, savings, rates and times."""
    days = period(date(2026, 10, 22), SAMPLE_UNTIL, "Europe/Berlin")
    report = read_report(sample.person(), days, Filters("simulated"))
    shown: dict[str, str] = {}
    for file in ("cost.py", "fallbacks.py", "latency.py", "quality.py"):
        page = open_page(file, period="days", days=SAMPLE_DAYS)
        shown |= {metric.label: metric.value for metric in page.metric}

    assert shown["Cost"] == f"${report['cost_usd']:,.2f}"
    assert shown["Saved"] == f"${report['savings_usd']:,.2f}"
    assert shown["Wasted"] == f"${report['wasted_cost_usd']:,.2f}"
    assert shown["Fallbacks"] == str(sum(report["fallback_reasons"].values()))
    assert shown["Fallback rate"] == percent(report["as_configured"]["fallback_rate_pct"])
    assert shown["Success rate"] == percent(report["as_configured"]["success_rate_pct"])
    assert shown["P95"] == seconds(report["latency_ms"]["p95"])


@pytest.mark.parametrize(
    ("file", "sentence"), [("overview.py", "1 generation ended"), ("flow.py", "0.0 % of 1 fell back")]
)
def test_a_run_with_models_of_its_own_is_in_no_rate(
    open_page: OpenPage, owner: psycopg.Connection, file: str, sentence: str
) -> None:
    """The overview and the flow show the same rate, and both say what it leaves out."""
    usual = {
        "generation_id": "a",
        "simulated": True,
        "generator_used": "gpt-4o-mini",
        "cost_usd": 0.001,
        "attempts": [],
    }
    for details in (usual, usual | {"generation_id": "b", "overridden": True, "fallback_reason": "timeout"}):
        owner.execute(
            "insert into public.audit_logs (timestamp, action, details) values (%s, 'WORKFLOW_GENERATED', %s)",
            [NOW, json.dumps(details)],
        )
    page = open_page(file)

    assert not page.exception
    assert sentence in texts(page).replace("\u00a0", " ")
    assert "1 generation with overrides or a forced failure" in texts(page)


@pytest.mark.parametrize("file", PAGES)
def test_nobody_in_particular_gets_a_sentence(open_page: OpenPage, owner: psycopg.Connection, file: str) -> None:
    """Without a console role, nothing is shown and the page says what to do."""
    owner.execute("delete from public.console_roles where user_id = %s", [LOCAL_PERSON_ID])
    page = open_page(file)

    assert not page.exception
    assert "ask an admin" in page.error[0].value


def test_an_engineer_sees_figures_but_changes_nothing(open_page: OpenPage, owner: psycopg.Connection) -> None:
    """What they may not do is not offered."""
    owner.execute("update public.console_roles set role = 'engineer' where user_id = %s", [LOCAL_PERSON_ID])
    page = open_page("settings.py")

    assert not page.exception
    assert "Only admins change the settings." in texts(page)
    assert all(field.disabled for field in [*page.selectbox, *page.toggle])
    assert not [button for button in page.button if "Roll back" in button.label or "Restore" in button.label]


def test_the_sample_is_loaded_and_removed(
    open_page: OpenPage, store: PooledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one click and a message each."""
    from pages.parts import states
    from store import sample

    monkeypatch.setattr(states, "_SAMPLE_PER_DAY", 20)
    page = open_page("cost.py", period="90d")
    page.button(key="load_empty").click().run()
    assert not page.exception
    assert sample.has_sample_data(store.person())
    assert "Cost" in {metric.label for metric in page.metric}
    page.query_params.update({"period": "days", "days": "2000-01-01..2000-01-02"})
    page.run()
    assert "Nothing to show yet" in texts(page)
    assert not any(button.label.startswith("Load") for button in page.button)
    press(page, "Remove sample data")

    assert not page.exception
    assert not sample.has_sample_data(store.person())
    assert "Removed the sample data" in page.toast[0].value
