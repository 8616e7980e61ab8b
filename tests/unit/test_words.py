"""How pages write money and time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pages.parts.words import change, escaped, inline, money, percent, seconds, spoken


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "-"),
        ("0", "$0"),
        ("0.0012", "$0.0012"),
        ("0.00050895", "$0.00051"),
        ("0.0000001", "$0.00000010"),
        ("0.01", "$0.010"),
        ("26.25", "$26.25"),
        ("999.994", "$999.99"),
        ("1204.4", "$1,204"),
        ("-0.0004567", "-$0.00046"),
        ("0.0285", "$0.028"),
        ("0.5", "$0.50"),
        ("0.996", "$1.00"),
        ("-3", "-$3.00"),
    ],
)
def test_money(amount: str | None, text: str) -> None:
    """Two significant digits below a dollar, cents below a thousand, whole dollars above."""
    assert money(None if amount is None else Decimal(amount)) == text


def test_seconds() -> None:
    """One decimal, and a dash for an unknown value."""
    assert (seconds(8249), seconds(None)) == ("8.2\u00a0s", "-")


@pytest.mark.parametrize(
    ("now", "before", "written"),
    [
        (9, 8, "+12.5\u00a0%"),
        (Decimal("6"), Decimal("8"), "-25.0\u00a0%"),
        (0, 8, "-100.0\u00a0%"),
        (8.003, 8, "unchanged"),
        (7.997, 8, "unchanged"),
        (79.9, 8, "+898.8\u00a0%"),
        (942, 8, "118 times as much"),
        (5, 0, None),
        (5, -1, None),
        (None, 8, None),
        (5, None, None),
    ],
)
def test_a_change_in_words(now: float | None, before: float | None, written: str | None) -> None:
    """In percent where that is meaningful; empty if there was nothing before."""
    assert change(now, before) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (None, "-"),
        (0, "0.0\u00a0%"),
        (100, "100.0\u00a0%"),
        (Decimal("5.04"), "5.0\u00a0%"),
        (99.94, "99.9\u00a0%"),
        (99.97, "99.97\u00a0%"),
        (99.9996, "99.9996\u00a0%"),
        (0.04, "0.04\u00a0%"),
        (0.0042, "0.004\u00a0%"),
        (-0.004, "-0.004\u00a0%"),
        (250, "250.0\u00a0%"),
    ],
)
def test_a_share_is_all_or_nothing_only_where_it_is(share: float | None, written: str) -> None:
    """One failure in ten thousand is not shown as `100.0 %`."""
    assert percent(share) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Alert the team", "Alert the team"),
        ("a\n\n# b", "a \\# b"),
        ("![x](http://a.b/c.png)", "\\!\\[x\\]\\(http⁠\\:\\/\\/a\\.b\\/c\\.png\\)"),
        ("שלום 👍", "שלום 👍"),
        (None, "None"),
    ],
)
def test_foreign_text_is_no_markdown(text: object, written: str) -> None:
    """Every character that could have a meaning is escaped, and line breaks become spaces."""
    assert escaped(text) == written


@pytest.mark.parametrize(
    ("code", "text"),
    [("step_type_unknown", "Step type unknown"), ("not_json", "Not JSON"), ("api_error", "API error"), ("", "")],
)
def test_codes_as_people_say_them(code: str, text: str) -> None:
    """Capitals are used where the language requires them."""
    assert spoken(code) == text


def test_a_label_within_a_sentence() -> None:
    """An abbreviation stays an abbreviation."""
    assert (inline("Validation failed"), inline("API error"), inline("")) == ("validation failed", "API error", "")


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (Decimal("98.9648"), "98.96\u00a0%"),
        (Decimal("10.0049"), "10.005\u00a0%"),
        (Decimal("4.962"), "4.96\u00a0%"),
        (Decimal(5), "5.0\u00a0%"),
        (Decimal("7.25"), "7.2\u00a0%"),
    ],
)
def test_a_share_is_not_rounded_onto_a_limit_that_it_misses(share: Decimal, written: str) -> None:
    """`10.0 %, above 10 %` would make no sense."""
    assert percent(share, (Decimal(99), Decimal(5), Decimal(10))) == written
