"""The report is the one of the terminal, and impossible periods are refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

import queries.__main__
from tests.conftest import SAMPLE_UNTIL, MakeApplication, PooledStore
from tests.hosted.api_rig import (
    Serve,
    api_fixture,
    console_fixture,
    desk_fixture,
    exactly,
    models_fixture,
    problem_in,
    serve_fixture,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"time_zone": "Asia/Kathmandu", "source": "all"},
        {"from": (SAMPLE_UNTIL - timedelta(days=9)).isoformat(), "to": SAMPLE_UNTIL.isoformat()},
        {"from": "2026-11-01", "source": "real"},
    ],
)
def test_the_report_is_the_one_of_the_terminal(
    serve: Serve,
    make_application: MakeApplication,
    sample: PooledStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, str],
) -> None:
    """Every figure of the sample company is the same, to the last digit, for the same options."""
    api = serve(make_application())
    monkeypatch.setattr(queries.__main__, "connect", lambda settings: sample)
    arguments = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", value)]
    assert queries.__main__.main(["report", "--json", *arguments]) == 0
    answer = api.get("/report", params=options)

    assert answer.text == capsys.readouterr().out.rstrip("\n")
    assert options.get("source") == "real" or exactly(answer)["cost_usd"] > Decimal(1)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"from": "2026-11-02", "to": "2026-11-01"}, "invalid_period"),
        ({"from": "0001-01-01"}, "invalid_period"),
        ({"to": "9999-12-31"}, "invalid_period"),
        ({"time_zone": "Mars/Olympus"}, "invalid_period"),
        ({"time_zone": "../../etc/passwd"}, "invalid_period"),
        ({"time_zone": "x" * 65}, "invalid_request"),
        ({"from": "yesterday"}, "invalid_request"),
        ({"source": "imaginary"}, "invalid_request"),
    ],
)
def test_an_impossible_period_is_refused(api: httpx.Client, options: dict[str, str], code: str) -> None:
    """The answer is 422 with a sentence."""
    assert problem_in(api.get("/report", params=options)) == (422, code)
