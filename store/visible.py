"""Makes foreign text safe for a terminal: characters that would move the cursor, set colours or change the text
direction are written out."""

from __future__ import annotations

import unicodedata

_CONTROL_PICTURES = 0x2400
_DELETE, _PICTURE_OF_DELETE = "\x7f", "\u2421"


def visible(text: str) -> str:
    """The same text with control, direction and invisible characters made visible: ESC as ␛, a line feed as ␊."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character == _DELETE:
        return _PICTURE_OF_DELETE
    if character < " ":
        return chr(_CONTROL_PICTURES + ord(character))
    if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
        return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
    return character
