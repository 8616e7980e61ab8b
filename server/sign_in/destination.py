"""Where to go after signing in: a path of this console, never another site."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote, urlsplit

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
    path = unquote(parts.path)
    if parts.scheme or parts.netloc or {".", ".."} & set(path.replace("\\", "/").split("/")):
        return "/"
    # As often as somebody may have encoded it: a browser or a proxy may decode it once more.
    ours = any(path == door or path.startswith(f"{door}/") or "%" in path for door in _OURS)
    return "/" if ours else asked
