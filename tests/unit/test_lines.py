"""Lines over days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from pages.parts import charts, lines
from pages.parts.lines import line

DAYS = [date(2026, 11, 18) + timedelta(days=number) for number in range(4)]


@pytest.fixture(name="traces")
def traces_fixture(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Four days, the second with few cases, the last one unfinished with few cases."""
    monkeypatch.setattr(lines, "text_colour", lambda: "#000000")
    drawn = charts.Figure({})
    line(
        drawn, DAYS, [5.0, 80.0, 6.0, 0.0], name="Rate", colour="#0072b2", about=[[str(day)] for day in DAYS],
        words="%{y}", unfinished=DAYS[-1], cases=[100, 4, 90, 9], so_far="today: 0 of 9",
    )  # fmt: skip
    return drawn.data


def test_days_with_few_cases_are_no_part_of_the_line(traces: list[dict[str, Any]]) -> None:
    """Neither a small day in the middle nor the beginning of today makes a peak or a fall."""
    line, few = traces

    assert (line["x"], line["y"]) == (DAYS[:3], [5.0, None, 6.0])
    assert (few["mode"], few["y"]) == ("markers+text", [80.0, 0.0])


def test_what_there_is_of_today_is_written_at_its_point(traces: list[dict[str, Any]]) -> None:
    """In words, so that nobody takes it for a rate."""
    assert traces[-1]["text"] == ["", "today: 0 of 9"]
