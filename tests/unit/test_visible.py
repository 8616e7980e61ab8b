"""Foreign text has no effect on a terminal."""

from __future__ import annotations

import pytest

from store import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\rb\nc\td", "a␍b␊c␉d"),
        ("\x9b2J", "\\u009b2J"),
        ("\u202eevil", "\\u202eevil"),
        ("a\u200bb", "a\\u200bb"),
        ("\x7f", "␡"),
        ("Jürgen 👍 שלום", "Jürgen 👍 שלום"),
        ("", ""),
    ],
)
def test_controls_are_shown(text: str, shown: str) -> None:
    """Control characters become pictures or code points; letters of any language stay."""
    assert visible(text) == shown
