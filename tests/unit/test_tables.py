"""Tables, and figures as files."""

from __future__ import annotations

from pages.parts.tables import amounts
from pages.parts.words import charted, percent, seconds, threshold


def test_amounts_stand_to_the_right() -> None:
    """Every column of known amounts, counts, shares or times is right-aligned; nothing else is, and no dates."""
    rows = [
        {"Model": "4", "Cost": "$1,204", "Tokens": "about 3,500", "Rate": percent(99.97), "Time": "-", "Steps": "1-3"},
        {"Model": "GPT", "Cost": "-$0.0004", "Tokens": "12", "Rate": "-", "Time": seconds(8249), "Steps": "4-6"},
    ]
    others = {"First used": "27 Oct 2026", "Started": "2026-11-24 22:22", "Target": f"{threshold(99)} or more"}

    assert amounts([row | others for row in rows]) == ["Cost", "Tokens", "Rate", "Time"]


def test_a_name_is_no_template() -> None:
    """A chart shows a foreign name literally: no link, no tag, no reference to its data."""
    assert charted('<a href="x">%{y}</a> & co') == '&lt;a href="x">%&#123;y}&lt;/a> &amp; co'


def test_what_is_never_known_is_no_amount() -> None:
    """Nor does a table without rows have amounts."""
    assert (amounts([{"Cost": "-"}]), amounts([])) == ([], [])
