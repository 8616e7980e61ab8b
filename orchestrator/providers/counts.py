"""Token counts as providers actually send them: possibly null, text, fractions, zeros or nonsense."""

from __future__ import annotations

from typing import Any

# More than any model can read or write.
_MOST_TOKENS = 100_000_000


def count(value: Any) -> int | None:
    """A count: fractions are rounded down, text is accepted if it is all digits; None if it cannot be a count."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MOST_TOKENS else None


def mapping(value: Any) -> dict[str, Any]:
    """The value itself if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


class Counts:
    """The highest value of each count so far: the counts are cumulative, so none ever decreases."""

    def __init__(self) -> None:
        self._highest: dict[str, int] = {}

    def take(self, told: Any, *names: str) -> None:
        """Take these counts from a JSON object; anything else is ignored."""
        for name in names:
            number = count(mapping(told).get(name))
            if number is not None:
                self._highest[name] = max(number, self._highest.get(name, 0))

    def get(self, name: str) -> int | None:
        """The highest value of a count; None while it is unknown."""
        return self._highest.get(name)
