"""Where to go after signing in: a path of this console, never another site."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

_MOST_CHARS = 2_000
_OURS = ("/sign-in", "/sign-out", "/auth", "/api")


def destination(asked: str | None) -> str:
    """The path with its query that was asked for; `/` for anything that is not a page of this console."""
    if not asked or len(asked) > _MOST_CHARS or not asked.startswith("/") or asked.startswith(("//", "/\\")):
        return "/"
    if "\\" in asked or any(unicodedata.category(character).startswith("C") for character in asked):
        return "/"
    try:
        parts = urlsplit(asked)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or any(parts.path == door or parts.path.startswith(f"{door}/") for door in _OURS):
        return "/"
    return asked
