"""Finds complete steps in a JSON text that arrives in pieces of any size, without parsing it again each time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.workflow.steps import STEPS_KEY, STEPS_KEY_ALIAS, Finding, schema_finding

MAX_DEPTH = 64

_OUTSIDE_TEXT = re.compile(r'["{}\[\],]')
_INSIDE_TEXT = re.compile(r'["\\]')
_STEPS_BEGIN = re.compile(rf'"(?P<key>{STEPS_KEY}|{STEPS_KEY_ALIAS})"\s*:\s*$')
_TAIL_CHARS = 64


class StepScanner:
    """Extracts the elements of the root's steps array from a stream, looking at structural characters only.

    Attributes:
        key: the name of the steps array.
        breach: why this text cannot become valid any more; None while it can.
    """

    def __init__(self) -> None:
        self.key = STEPS_KEY
        self.breach: Finding | None = None
        self._begun = False
        self._in_text = False
        self._escaped = False
        self._depth = 0
        self._held: list[str] | None = None  # the current element; None outside the steps array
        self._tail = ""  # the end of the text directly in the root object
        self._from = 0  # where the part of the current piece begins that is in neither of the two yet

    def feed(self, piece: str) -> Iterator[str]:
        """The raw text of every element that `piece` completes."""
        self._look_at_beginning(piece)
        self._from = at = 0
        while at < len(piece) and not self.breach:
            if self._in_text:
                at = self._through_text(piece, at)
                continue
            found = _OUTSIDE_TEXT.search(piece, at)
            if found is None:
                break
            at = found.end()
            yield from self._mark(found[0], piece, at)
        self._store(piece, len(piece))

    def _look_at_beginning(self, piece: str) -> None:
        if not self._begun and (text := piece.lstrip("\ufeff \t\r\n")):
            self._begun = True
            if text[0] not in "{`":
                self.breach = not_json()

    def _through_text(self, piece: str, at: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _INSIDE_TEXT.search(piece, at)
        if found is None:
            return len(piece)
        self._escaped = found[0] == "\\"
        self._in_text = self._escaped
        return found.end()

    def _mark(self, mark: str, piece: str, at: int) -> Iterator[str]:
        if mark == '"':
            self._in_text = True
        elif mark in "{[":
            self._open(mark, piece, at)
        elif mark in "}]":
            self._depth -= 1
            if self._held is not None and self._depth <= 2:
                # The element's own bracket belongs to it, the array's does not.
                self._store(piece, at if self._depth == 2 else at - 1)
                yield from self._release()
                self._held = [] if self._depth == 2 else None
        elif self._held is not None and self._depth == 2:
            self._store(piece, at - 1)
            yield from self._release()
            self._from = at

    def _open(self, mark: str, piece: str, at: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.breach = too_deep()
        if self._depth == 2 and mark == "[":
            self._store(piece, at - 1)
            if begin := _STEPS_BEGIN.search(self._tail):
                self.key, self._held, self._from = begin["key"], [], at

    def _release(self) -> Iterator[str]:
        raw = "".join(self._held or ()).strip()
        self._held = []
        if raw:
            yield raw

    def _store(self, piece: str, end: int) -> None:
        part, self._from = piece[self._from : end], end
        if self._held is not None:
            self._held.append(part)
        else:
            self._tail = (self._tail + part)[-_TAIL_CHARS:]


def not_json() -> Finding:
    """The finding for a text that is not JSON."""
    return schema_finding("$", "not_json", "The answer is not JSON.")


def too_deep() -> Finding:
    """The finding for a text that is nested too deeply."""
    return schema_finding("$", "too_deep", f"The answer is nested more than {MAX_DEPTH} levels deep.")
