"""The names of a chart's marks."""

from __future__ import annotations

from datetime import date

from pages.parts.marks import OWN_ADDRESS, marks_of, name_at

DAYS = [date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)]


def test_marks_are_named_by_day_and_set() -> None:
    """The latest first; a bar without length, and a point without a value, are no marks, a point at 0 is."""
    bars = {"type": "bar", "x": DAYS, "y": [1, 0, 2], "name": "A &lt;b>", "customdata": [[1], [2], [3]]}
    line = {"type": "scatter", "x": DAYS, "y": [0.0, None, 5.0], "name": "B", "customdata": [[4], [5], [6]]}
    marks = marks_of([bars, line])

    assert [name for name, _ in marks] == [
        "3 Nov 2026 · A <b>", "1 Nov 2026 · A <b>", "3 Nov 2026 · B", "1 Nov 2026 · B",
    ]  # fmt: skip
    assert dict(marks)["1 Nov 2026 · B"].data == [4]
    assert name_at(marks, 0, 2) == "3 Nov 2026 · A <b>"
    assert name_at(marks, 0, 1) is None


def test_marks_lie_down_and_speak_for_themselves() -> None:
    """A horizontal bar is named by its category, a bar over numbers by what it says, a change by its text."""
    reasons = {"type": "bar", "orientation": "h", "x": [3.0], "y": ["Timeout"], "customdata": [["timeout"]]}
    times = {"type": "bar", "x": [1.5], "y": [7], "name": "A", "customdata": [["a", "4.8 to 5.5 s"]]}
    change = {
        "type": "scatter", "x": ["2026-11-02T00:00:00"] * 2, "y": [0.0, 1.0], "text": "09:00 sam:<br>first",
        "customdata": [["change", "x"]] * 2, "meta": OWN_ADDRESS,
    }  # fmt: skip
    names = [name for name, _ in marks_of([reasons, times, change])]

    assert names == ["Timeout", "4.8 to 5.5 s · A", *["2 Nov 2026 · 09:00 sam: first"] * 2]
    assert [mark.addressed for _, mark in marks_of([times, change])] == [True, False, False]


def test_a_chart_without_marks() -> None:
    """A line without custom data cannot be opened."""
    assert marks_of([{"type": "scatter", "x": DAYS, "y": [1, 2, 3]}]) == ()
    assert marks_of([]) == ()
