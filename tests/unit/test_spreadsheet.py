"""Exported text stays text in a spreadsheet."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import StringIO

import pandas as pd
import pytest

from queries.spreadsheet import as_csv, guarded


def read(data: bytes) -> list[list[str]]:
    """The rows as a spreadsheet reads them."""
    return list(csv.reader(StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://evil.example")', "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1+1", "\n=1", " =1",
        "\uff1d1+1", "\uff0b1", "\ufe63A1", "\uff20A1", "\u200b=1", "\ufeff=1", "a;=1+1", "a; =1", "'=1",
        '"=1', "\x00=1",
    ],
)  # fmt: skip
def test_a_text_is_no_formula(text: str) -> None:
    """However it begins, and whatever separates the cells."""
    ((_,), (cell,)) = read(as_csv(pd.DataFrame({"agent": [text]})))

    assert "\r" not in cell
    assert "\n" not in cell
    assert "'" in cell
    assert guarded(text) == cell


def test_a_line_end_does_not_end_the_row() -> None:
    """Neither does a bare carriage return."""
    assert guarded("a\r=1+1") == "a =1+1"


@pytest.mark.parametrize("text", ["agent-7", "a@b.c", "1 - 2", "-", "-5.0\u00a0%", "+1.5\u00a0pts", "-$3.00", "Jürgen"])
def test_what_is_none_stays_as_it_is(text: str) -> None:
    """An amount and a dash stay unchanged too."""
    assert guarded(text) == text


def test_a_heading_is_a_text_too() -> None:
    """Models and reasons become column headings."""
    assert read(as_csv(pd.DataFrame({"=1": [1]})))[0] == ["'=1"]


def test_numbers_keep_all_their_digits() -> None:
    """Negative and unknown ones do too; only text is quoted."""
    usd = [Decimal("0.000123456789"), Decimal("-3"), None]
    frame = pd.DataFrame({"who": ["Ä", "b", "c"], "usd": usd}, dtype=object)
    lines = as_csv(frame).decode().splitlines()

    assert lines == ['\ufeff"who","usd"', '"Ä",0.000123456789', '"b",-3', '"c",""']
