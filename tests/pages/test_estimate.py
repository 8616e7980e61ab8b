"""The estimate on the cost page: what another volume or rate would cost."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.conftest import PooledStore
from tests.pages.conftest import SAMPLE_DAYS, OpenPage, texts


def rate(page: AppTest) -> float:
    """The value in the field."""
    value = page.number_input(key="estimate_rate").value
    assert value is not None
    return float(value)


def test_the_rate_follows_what_is_measured_until_somebody_changes_it(sample: PooledStore, open_page: OpenPage) -> None:
    """Another selection measures another rate; a rate that was typed stays."""
    page = open_page("cost.py", period="days", days=SAMPLE_DAYS)
    first = rate(page)
    page.selectbox(key="filter_origin").set_value("cli").run()
    second = rate(page)
    page.number_input(key="estimate_rate").set_value(10.0).run()
    page.selectbox(key="filter_origin").set_value("any").run()

    assert 0 < first != second > 0
    assert rate(page) == 10.0


def test_it_is_the_same_whichever_model_answered(sample: PooledStore, open_page: OpenPage) -> None:
    """Among the fallback's answers alone, nearly every one is a fallback."""
    everybody = rate(open_page("cost.py", period="days", days=SAMPLE_DAYS))

    assert rate(open_page("cost.py", period="days", days=SAMPLE_DAYS, model="claude-sonnet-4")) == everybody > 0


def test_without_measurements_it_is_from_list_prices(open_page: OpenPage) -> None:
    """A new console shows the golden month, and says that the rate is an assumption."""
    page = open_page("cost.py")
    shown = {metric.label: metric.value for metric in page.metric}

    assert not page.exception
    assert (shown["Claude Sonnet 4 alone"], shown["With the fallback"]) == ("$285", "$26")
    assert rate(page) == 5.0
    assert "is an assumption" in texts(page)
