"""Many prompts at once: one a line in, one outcome a line out, in their order."""

from __future__ import annotations

import codecs
import contextlib
import itertools
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, TypeAlias

from orchestrator.background import Job
from orchestrator.errors import InvalidRequest, OrchestratorError
from orchestrator.result import WorkflowGenerationResult
from store import StoreError
from store.command_line import say

# How many prompts are in work at once.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Failure:
    """A line that failed before or during its generation."""

    error: Exception


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None


_News: TypeAlias = SimpleQueue[_Line | _End | None]
"""Lines, their end, and that an outcome may be there."""


def outcomes(
    name: str, begin: Callable[[bytes], Job[WorkflowGenerationResult]]
) -> Generator[tuple[int, WorkflowGenerationResult | Failure]]:
    """The number and the outcome of each line that is not blank, as soon as it and those before it have one.

    Args:
        name: a file; `-` for standard input, where whoever writes may wait for an outcome before the next line.
        begin: starts what a line asks for; its error is that line's outcome.

    Raises:
        InvalidRequest: the file cannot be read, or not to its end; what it held until then has its outcomes before.
    """
    news: _News = SimpleQueue()
    room = threading.Semaphore(_AT_ONCE)
    # Not to be waited for: it may be reading what nobody writes.
    threading.Thread(target=_read, args=(name, room, news), name="prompts", daemon=True).start()
    waiting: deque[tuple[int, Job[WorkflowGenerationResult] | Failure]] = deque()
    end: _End | None = None
    try:
        while waiting or end is None:
            told = news.get()
            if isinstance(told, _Line):
                waiting.append((told.number, _begun(told.text, begin, news)))
            end = told if isinstance(told, _End) else end
            while waiting and (outcome := _outcome(waiting[0][1])):
                number, _ = waiting.popleft()
                room.release()
                yield number, outcome
    finally:
        _cancel([entry for _, entry in waiting if isinstance(entry, Job)])
    if end.error:
        raise end.error


def _begun(
    line: bytes, begin: Callable[[bytes], Job[WorkflowGenerationResult]], news: _News
) -> Job[WorkflowGenerationResult] | Failure:
    try:
        job = begin(line)
    except (OrchestratorError, StoreError) as error:
        return Failure(error)
    job.future.add_done_callback(lambda _: news.put(None))
    return job


def _outcome(entry: Job[WorkflowGenerationResult] | Failure) -> WorkflowGenerationResult | Failure | None:
    """None as long as there is none."""
    if isinstance(entry, Failure):
        return entry
    if not entry.future.done():
        return None
    try:
        return entry.future.result()
    except (OrchestratorError, StoreError) as error:
        return Failure(error)


def _cancel(jobs: list[Job[WorkflowGenerationResult]]) -> None:
    for job in jobs:
        job.cancel()
    for job in jobs:
        job.future.exception()
    if jobs:
        say("What was running is cancelled; what it spent is booked.")


def _read(name: str, room: threading.Semaphore, news: _News) -> None:
    """Put the lines among the news, no more than there is room for, and the end."""
    try:
        for line in _lines(name):
            room.acquire()
            news.put(line)
    except Exception as error:  # noqa: BLE001 - handed on to whoever waits for the end
        news.put(_End(error))
    else:
        news.put(_End(None))


def _lines(name: str) -> Iterator[_Line]:
    try:
        with contextlib.closing(_opened(name)) as file:
            first = next(file, b"")
            if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise InvalidRequest(f"The file {name} is UTF-16; save it as UTF-8.")
            # Some editors begin a file with a byte-order mark.
            lines = itertools.chain([first.removeprefix(codecs.BOM_UTF8)], file)
            yield from (_Line(number, line) for number, line in enumerate(lines, start=1) if line.strip())
    except OSError as error:
        raise InvalidRequest(f"The file {name} cannot be read ({error.strerror}).") from error


def _opened(name: str) -> BinaryIO:
    if name != "-":
        return Path(name).open("rb")
    if sys.stdin is None:
        raise InvalidRequest("There is no standard input to read.")
    # A file of one's own: Python could not close standard input at exit while a thread reads it.
    return open(os.dup(sys.stdin.fileno()), "rb")
