"""Figures as files."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from pages.parts.tables import csv


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx"])
def test_a_text_is_no_formula(text: str) -> None:
    """A spreadsheet shows it instead of running it."""
    written = csv(pd.DataFrame({"agent": [text]}))

    assert written.splitlines()[1].lstrip('"').startswith("'")


def test_numbers_keep_all_their_digits() -> None:
    """Negative ones and unknown ones too."""
    frame = pd.DataFrame({"usd": [Decimal("0.000123456789"), Decimal("-3"), None]}, dtype=object)

    assert csv(frame).splitlines() == ["usd", "0.000123456789", "-3", '""']
