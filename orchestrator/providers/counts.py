"""Token counts as providers really write them: null, text, fractions, zeros and nonsense among them."""

from __future__ import annotations

from typing import Any

# More than any model can read or write.
_MOST_TOKENS = 100_000_000


def count(value: Any) -> int | None:
    """A count; whole below a fraction, from text where that is digits alone, None where it cannot be a count."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MOST_TOKENS else None


def mapping(value: Any) -> dict[str, Any]:
    """The same where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


class Counts:
    """The highest of each count that was told so far: they are cumulative, so none ever falls."""

    def __init__(self) -> None:
        self._highest: dict[str, int] = {}

    def take(self, told: Any, *names: str) -> None:
        """Take these counts from a JSON object; whatever else comes changes nothing."""
        for name in names:
            number = count(mapping(told).get(name))
            if number is not None:
                self._highest[name] = max(number, self._highest.get(name, 0))

    def get(self, name: str) -> int | None:
        """One of them; None while it is not known."""
        return self._highest.get(name)
