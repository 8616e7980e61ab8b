"""Many prompts at once: one per input line, one result or error per output line, in the same order."""

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

# How many prompts are processed at the same time.
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
"""What the loop waits for: lines, their end, and None when a generation may have ended."""


def outcomes(
    name: str, begin: Callable[[bytes], Job[WorkflowGenerationResult]]
) -> Generator[tuple[int, WorkflowGenerationResult | Failure]]:
    """The number and the result or failure of each non-blank line, as soon as it and all lines before it have one.

    Args:
        name: a file; `-` for standard input, where the writer may wait for a result before sending the next line.
        begin: starts the generation of a line; if it raises an error, that is the line's failure.

    Raises:
        InvalidRequest: the file cannot be read to its end; the results of the lines read so far come first.
    """
    news: _News = SimpleQueue()
    room = threading.Semaphore(_AT_ONCE)
    # A daemon thread: it may be blocked reading input that never comes.
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
    """The result or failure of a line; None while there is none."""
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
        say("The generations under way were cancelled; what they spent is recorded.")


def _read(name: str, room: threading.Semaphore, news: _News) -> None:
    """Put the lines into the queue, waiting for room, and then their end."""
    try:
        for line in _lines(name):
            room.acquire()
            news.put(line)
    except Exception as error:  # noqa: BLE001 - passed on with the end of the lines
        news.put(_End(error))
    else:
        news.put(_End(None))


def _lines(name: str) -> Iterator[_Line]:
    try:
        with contextlib.closing(_opened(name)) as file:
            first = next(file, b"")
            if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise InvalidRequest(f"The file {name} is UTF-16; save it as UTF-8.")
            # Some editors start a file with a byte-order mark.
            lines = itertools.chain([first.removeprefix(codecs.BOM_UTF8)], file)
            yield from (_Line(number, line) for number, line in enumerate(lines, start=1) if line.strip())
    except OSError as error:
        raise InvalidRequest(f"The file {name} cannot be read ({error.strerror}).") from error


def _opened(name: str) -> BinaryIO:
    if name != "-":
        return Path(name).open("rb")
    if sys.stdin is None:
        raise InvalidRequest("Standard input is not available.")
    # A separate file object: Python cannot close standard input at exit while a thread reads it.
    return open(os.dup(sys.stdin.fileno()), "rb")
