"""Every page in every state: empty, one run, sample data, the store away, nobody's role, strange addresses."""

from __future__ import annotations

import json
from datetime import date

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from orchestrator import Application
from pages.parts import console
from pages.parts.words import percent, seconds
from queries.filters import Filters
from queries.period import period
from queries.report import read_report
from store import Argument, Json, Unavailable
from store.identity import LOCAL_PERSON_ID
from tests.conftest import SAMPLE_UNTIL, PooledStore
from tests.pages.conftest import SAMPLE_DAYS, OpenPage, press, said

PAGES = [
    "overview.py", "playground.py", "cost.py", "fallbacks.py", "latency.py", "quality.py", "rollout.py", "flow.py",
    "configuration.py",
]  # fmt: skip
REPORTS = ["cost.py", "fallbacks.py", "latency.py", "quality.py", "rollout.py"]


def texts(page: AppTest) -> str:
    """All that a page says."""
    elements = [*page.markdown, *page.caption, *page.error, *page.warning, *page.info, *page.success]
    return "\n".join(said(elements))


@pytest.mark.parametrize("file", PAGES)
def test_empty(open_page: OpenPage, file: str) -> None:
    """No exception, no figure that was never measured; the way to the playground."""
    page = open_page(file)

    assert not page.exception
    assert not page.error
    assert "0.0 %" not in [metric.value for metric in page.metric]
    if file in [*REPORTS, "overview.py"]:
        assert "Nothing to show yet" in texts(page)
        assert any(button.label == "Load sample data" for button in page.button)


@pytest.mark.parametrize("file", PAGES)
def test_one_run(open_page: OpenPage, application: Application, file: str) -> None:
    """A single generation is shown and judged as what it is: too few to say anything."""
    application.orchestrator.generate_workflow(
        user_id=LOCAL_PERSON_ID, agent_id=None, prompt="Tell Slack", services=["Slack"]
    )
    # The tests' clock stands still on this day.
    page = open_page(file, period="days", days="2026-11-20..2026-11-26")

    assert not page.exception
    assert not page.error
    if file == "rollout.py":
        assert "Wait." in texts(page)
    if file == "cost.py":
        assert "This needs at least one workflow" in texts(page)


@pytest.mark.parametrize("file", PAGES)
def test_sample_data(sample: PooledStore, open_page: OpenPage, file: str) -> None:
    """Every chart and table draws; the page says that there is sample data."""
    page = open_page(file, period="days", days=SAMPLE_DAYS)

    assert not page.exception
    assert not page.error
    assert any(button.label == "Remove the sample data" for button in page.button)


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
    assert shown["95 % within (P95)"] == seconds(report["latency_ms"]["p95"])


@pytest.mark.parametrize(
    ("file", "sentence"), [("overview.py", "1 generation ended"), ("flow.py", "0.0 % of 1 fell back")]
)
def test_a_run_with_models_of_its_own_is_in_no_rate(
    open_page: OpenPage, owner: psycopg.Connection, file: str, sentence: str
) -> None:
    """The overview and the flow show the same rate, and both say who is left out of it."""
    usual = {
        "generation_id": "a",
        "simulated": True,
        "generator_used": "gpt-4o-mini",
        "cost_usd": 0.001,
        "attempts": [],
    }
    for details in (usual, usual | {"generation_id": "b", "overridden": True, "fallback_reason": "timeout"}):
        owner.execute(
            "insert into public.audit_logs (action, details) values ('WORKFLOW_GENERATED', %s)", [json.dumps(details)]
        )
    page = open_page(file)

    assert not page.exception
    assert sentence in texts(page).replace("\u00a0", " ")
    assert "1 run with models chosen for it alone" in texts(page)


@pytest.mark.parametrize("name", ["Foo/Bar", "../x", ""])
def test_a_strange_time_zone_counts_as_utc(page: AppTest, name: str) -> None:
    """Whatever a browser says about itself."""
    page.context = {"timezone": name}
    page.run()
    page.switch_page("cost.py").run()

    assert not page.exception
    assert any("days of UTC" in caption.value for caption in page.caption)


@pytest.mark.parametrize("file", PAGES)
def test_without_a_database_the_page_says_so(page: AppTest, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """The store's own sentence, no traceback, no blank page."""

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
    """The same, when only the calls fail."""

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
    """What was read before it stays, and a sentence says why the rest is missing."""
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


def test_filters_can_be_reset_where_they_leave_nothing(open_page: OpenPage, sample: PooledStore) -> None:
    """The button is there only where they are not at their defaults."""
    page = open_page("cost.py", period="days", days="2030-01-01..2030-01-02", origin="cli")
    assert "period" in page.query_params
    press(page, "Reset the filters")

    assert not page.exception
    assert "period" not in page.query_params
    assert page.selectbox(key="filter_period").value == "30d"
    assert page.selectbox(key="filter_origin").value == "any"


@pytest.mark.parametrize("file", PAGES)
def test_nobody_in_particular_gets_a_sentence(open_page: OpenPage, owner: psycopg.Connection, file: str) -> None:
    """Without a role in the console nothing is shown, and the page says what to do."""
    owner.execute("delete from public.console_roles where user_id = %s", [LOCAL_PERSON_ID])
    page = open_page(file)

    assert not page.exception
    assert "ask an admin" in page.error[0].value


def test_a_member_sees_figures_but_changes_nothing(open_page: OpenPage, owner: psycopg.Connection) -> None:
    """The database refuses, whatever the screen offers."""
    owner.execute("update public.console_roles set role = 'member' where user_id = %s", [LOCAL_PERSON_ID])
    page = open_page("configuration.py")
    press(page, "Roll back to Claude Sonnet 4")

    assert not page.exception
    assert "needs the console role admin" in page.error[0].value


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"period": "'; drop table", "origin": "<script>"}, ["period='; drop table, origin=<script>"]),
        ({"period": "days", "days": "2026-11-02..2026-11-01"}, ["days=2026-11-02..2026-11-01"]),
        ({"period": "days", "days": "yesterday"}, ["days=yesterday"]),
        ({"period": "days", "days": "9999-01-01..9999-01-02"}, ["days=9999-01-01..9999-01-02"]),
        ({"period": "days", "days": "2027-01-01..2027-01-31"}, []),
    ],
    ids=range(5),
)
def test_a_strange_address_is_named_and_passed_over(
    open_page: OpenPage, parameters: dict[str, str], named: list[str]
) -> None:
    """Tampered values, an end before the start: told; a period to come: an honest empty page."""
    page = open_page("cost.py", **parameters)

    assert not page.exception
    assert not page.error
    assert said(page.warning) == [
        f"The address asks for what there is not: {what}. Shown without it." for what in named
    ]
    assert "Nothing to show yet" in texts(page)


@pytest.mark.parametrize("file", REPORTS)
def test_every_page_names_what_is_strange(open_page: OpenPage, file: str) -> None:
    """Whatever page the address is of."""
    page = open_page(file, period="'; drop table")

    assert not page.exception
    assert len(page.warning) == 1
    assert "Nothing to show yet" in texts(page)


def test_the_filters_stand_in_the_address(sample: PooledStore, open_page: OpenPage) -> None:
    """So that a link shows the same view; the next page keeps them, and what is a default needs no mention."""
    page = open_page("cost.py", period="days", days=SAMPLE_DAYS, source="all", model="gpt-6-luna")
    wanted = {"period": "days", "days": SAMPLE_DAYS, "source": "all", "model": "gpt-6-luna"}
    assert page.query_params == wanted
    page.selectbox(key="filter_model").set_value("gpt-4o-mini").run()
    assert page.query_params["model"] == "gpt-4o-mini"
    page.switch_page("latency.py").run()
    assert page.query_params == wanted | {"model": "gpt-4o-mini"}
    assert page.selectbox(key="filter_model").value == "gpt-4o-mini"
    page.query_params.clear()
    page.run()

    assert page.query_params == {}
    assert [page.selectbox(key=f"filter_{name}").value for name in ("period", "model", "source")] == [
        "30d", "any", "simulated",
    ]  # fmt: skip


def test_the_sample_is_loaded_and_removed(
    open_page: OpenPage, store: PooledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one click each, and told."""
    from pages.parts import states
    from store import sample

    monkeypatch.setattr(states, "_SAMPLE_PER_DAY", 20)
    page = open_page("cost.py", period="90d")
    press(page, "Load sample data")
    assert not page.exception
    assert sample.has_sample_data(store.person())
    assert "Cost" in {metric.label for metric in page.metric}
    page.query_params.update({"period": "days", "days": "2000-01-01..2000-01-02"})
    page.run()
    assert "Nothing to show yet" in texts(page)
    assert "Load sample data" not in {button.label for button in page.button}
    press(page, "Remove the sample data")

    assert not page.exception
    assert not sample.has_sample_data(store.person())
    assert "The sample data is gone" in page.toast[0].value
