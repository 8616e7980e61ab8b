"""Parses server-sent events from bytes as they arrive, following the HTML standard (section 9.2), with bounded size."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A reply of 16,000 tokens takes about 4 MB as a stream of events; a response beyond this limit is endless.
MAX_RESPONSE_BYTES = 32_000_000
MAX_EVENT_CHARS = 4_000_000

_LINE_END = re.compile("\r\n|\n|\r")


class ResponseTooLong(Exception):
    """The response is longer than any reply can be."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event: its name, empty if it has none, and its data."""

    name: str
    data: str

    def json(self) -> Any:
        """The JSON value of the data; None for invalid JSON as well as for `null`, since neither carries anything."""
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError):
            return None


class EventReader:
    """Parses one stream, in time proportional to its length, however it is split into chunks."""

    def __init__(self) -> None:
        # Accepts a byte-order mark and invalid bytes: one bad byte must not cost a whole reply.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._bytes = 0
        self._chars = 0  # of the current event
        self._after_return = False
        self._line: list[str] = []
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """The events that `chunk` completes.

        Raises:
            ResponseTooLong: the stream or one event of it exceeds its bound.
        """
        self._bytes += len(chunk)
        if self._bytes > MAX_RESPONSE_BYTES:
            raise ResponseTooLong
        yield from self._lines(self._decoder.decode(chunk))

    def close(self) -> Iterator[ServerSentEvent]:
        """The event that was unfinished when the stream ended, if it has any data."""
        yield from self._lines(self._decoder.decode(b"", final=True) + "\n\n")

    def _lines(self, text: str) -> Iterator[ServerSentEvent]:
        if self._after_return and text.startswith("\n"):
            text = text[1:]  # the second half of a line end split across two chunks
        if text:
            self._after_return = text.endswith("\r")
        *ended, rest = _LINE_END.split(text)
        for end in ended:
            self._keep(end)
            line = "".join(self._line)
            self._line.clear()
            if line:
                self._field(line)
            else:
                yield from self._dispatched()
        self._keep(rest)

    def _keep(self, part: str) -> None:
        self._chars += len(part)
        if self._chars > MAX_EVENT_CHARS:
            raise ResponseTooLong
        self._line.append(part)

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value

    def _dispatched(self) -> Iterator[ServerSentEvent]:
        name, data = self._name, self._data
        self._name, self._data, self._chars = "", [], 0
        if data:
            yield ServerSentEvent(name, "\n".join(data))
