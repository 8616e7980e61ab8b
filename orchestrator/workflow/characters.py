"""Repairs characters that arrive damaged where the repair is certain; the others are replaced and reported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

REPLACEMENT = "\ufffd"
"""Stands for a character that is lost."""

# Two halves of one character: they arrive separately if a provider splits a text between them.
_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# OpenAI's JSON mode writes é as \u0000e9: a Latin-1 character whose four digits became a NUL and two digits.
_LATIN_1 = re.compile("\x00([a-fA-F][0-9a-fA-F])")
# Postgres's jsonb can store neither.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def joined(text: str) -> str:
    """The same text with the halves of characters put together."""
    return _HALVES.sub(lambda halves: halves[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def storable(value: Any) -> Any:
    """The same JSON value with its characters repaired, and REPLACEMENT for what Postgres cannot store."""
    if isinstance(value, str):
        repaired = _LATIN_1.sub(lambda digits: chr(int(digits[1], 16)), joined(value))
        return _UNSTORABLE.sub(REPLACEMENT, repaired)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


def damaged(value: Any, path: str = "$") -> Iterator[str]:
    """The JSON path of every text with a lost character, and of every object with one in a key."""
    if isinstance(value, str):
        if REPLACEMENT in value:
            yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from damaged(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        if any(REPLACEMENT in key for key in value):
            yield path
        for key, item in value.items():
            yield from damaged(item, f"{path}.{key}")
