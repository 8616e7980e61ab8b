"""The filter bar and the address: kept, shared, invalid, reset."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import PooledStore
from tests.pages.conftest import REPORTS, SAMPLE_DAYS, OpenPage, press, said, texts


@pytest.mark.parametrize("name", ["Foo/Bar", "../x", ""])
def test_a_strange_time_zone_counts_as_utc(page: AppTest, name: str) -> None:
    """Whatever time zone the browser reports."""
    page.context = {"timezone": name}
    page.run()
    page.switch_page("cost.py").run()

    assert not page.exception
    assert any("UTC time" in caption.value for caption in page.caption)


def test_filters_can_be_reset_where_they_leave_nothing(open_page: OpenPage, sample: PooledStore) -> None:
    """The button appears only if they are not at their defaults."""
    page = open_page("cost.py", period="days", days="2030-01-01..2030-01-02", origin="cli")
    assert "period" in page.query_params
    press(page, "Reset filters")

    assert not page.exception
    assert "period" not in page.query_params
    assert page.selectbox(key="filter_period").value == "30d"
    assert page.selectbox(key="filter_origin").value == "any"


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
    """Tampered values or an end before the start are named; a future period is an empty page."""
    page = open_page("cost.py", **parameters)

    assert not page.exception
    assert not page.error
    assert said(page.warning) == [f"Ignored invalid values in the address: {what}." for what in named]
    assert "Nothing to show yet" in texts(page)


@pytest.mark.parametrize("file", REPORTS)
def test_every_page_names_what_is_strange(open_page: OpenPage, file: str) -> None:
    """Whichever page the address opens."""
    page = open_page(file, period="'; drop table")

    assert not page.exception
    assert len(page.warning) == 1
    assert "Nothing to show yet" in texts(page)


def test_the_filters_stand_in_the_address(sample: PooledStore, open_page: OpenPage) -> None:
    """A link shows the same view; the next page keeps the filters, and defaults are not written."""
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


@pytest.mark.parametrize(
    ("file", "parameters", "named"),
    [
        ("generations.py", {"steps_from": "abc", "cost_to": "-1", "time_from": "inf"}, "steps_from=abc"),
        ("generations.py", {"status": "broken", "reason": "<b>", "first": "gpt-3"}, "status=broken"),
        ("generations.py", {"generation": "no id", "search": "%' or 1=1", "agent": "x" * 500}, ""),
        ("generations.py", {"steps_from": "9", "steps_to": "2"}, ""),
        ("fallbacks.py", {"day": "2026-99-99", "change": "no such", "mark": "nothing"}, ""),
        ("overview.py", {"day": "yesterday", "change": "prompt-x", "mark": "overview~x"}, ""),
        ("settings.py", {"change": "no such"}, ""),
        ("flow.py", {"mark": "flow_ways~no row"}, ""),
    ],
    ids=range(8),
)
def test_whatever_an_address_names(
    sample: PooledStore, open_page: OpenPage, file: str, parameters: dict[str, str], named: str
) -> None:
    """Strange filters are named and ignored; what the page does not know opens nothing."""
    page = open_page(file, period="days", days=SAMPLE_DAYS, **parameters)

    assert not page.exception
    assert not page.error
    assert named in " ".join(said(page.warning))
