"""Counts the blanks in a row at the end of a text as it arrives: some models write nothing else up to their limit."""

from __future__ import annotations

import re

MAX_BLANKS = 1_000
"""More than any layout needs: a value 64 levels deep, indented by eight, has 512 blanks before it."""

_RUN = re.compile(r"(?:\s|\\[nrt])+")


class BlankRun:
    """Counts blanks, including their escaped forms in a JSON text.

    Attributes:
        endless: whether there were more than MAX_BLANKS in a row.
    """

    def __init__(self) -> None:
        self.endless = False
        self._length = 0
        self._escape = ""  # a backslash at the end of the last piece, whose letter is yet to come

    def feed(self, piece: str) -> None:
        """Take the next piece of the text."""
        text = self._escape + piece
        self._escape = "\\" if text.endswith("\\") else ""
        text = text.removesuffix("\\")
        if not text:
            return
        before, self._length = self._length, 0
        for run in _RUN.finditer(text):
            length = run.end() - run.start() + (before if run.start() == 0 else 0)
            self.endless = self.endless or length > MAX_BLANKS
            self._length = length if run.end() == len(text) else 0
