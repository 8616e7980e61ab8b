"""Tables for spreadsheets, which take any text that begins like a formula for one."""

from __future__ import annotations

import csv
import re
import unicodedata
from io import StringIO
from typing import Any

import pandas as pd

BYTE_ORDER_MARK = "\ufeff"
"""Without it, Excel takes UTF-8 for an older encoding."""

_FORMULA_BEGINS = ("=", "+", "-", "@")
# Harmless, and more useful unchanged: an amount, or the dash for unknown.
_AMOUNT = re.compile(r"-|(about )?[-+]?\$?[\d.,]+( to [\d.,]+)?(\s?(%|s|min|h|pts))?")
_SEPARATOR = re.compile("(;)")


def is_amount(text: str) -> bool:
    """Whether a text is money, a count, a share or a time as written on the screen."""
    return bool(_AMOUNT.fullmatch(text)) and text != "-"


def guarded(text: str) -> str:
    """A text on one line that no spreadsheet takes for a formula, whichever separator its locale uses."""
    line = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)
    return "".join(f"'{cell}" if _is_formula(cell) else cell for cell in _SEPARATOR.split(line))


def as_csv(frame: pd.DataFrame) -> bytes:
    """A table as CSV for any spreadsheet: every text quoted and guarded."""
    file = StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(guarded(str(name)) for name in frame.columns)
    for row in frame.itertuples(index=False):
        writer.writerow(map(_cell, row))
    return (BYTE_ORDER_MARK + file.getvalue()).encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guarded(value)
    return None if value is None or value is pd.NA or value != value else value


def _is_formula(cell: str) -> bool:
    if _AMOUNT.fullmatch(cell):
        return False
    # Full-width signs count; invisible characters before them do not.
    text = unicodedata.normalize("NFKC", cell)
    begins = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").lstrip(" \"'")
    return begins.startswith(_FORMULA_BEGINS)
