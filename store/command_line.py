"""What this project's command lines share: where output goes, and how failures end."""

from __future__ import annotations

import argparse
import io
import logging
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from store.visible import visible

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def run(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    *,
    failures: tuple[type[Exception], ...],
    wrong_usage: tuple[type[Exception], ...] = (),
) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong usage; a failure prints one line on stderr.

    Args:
        parser: its commands set `run`, which takes the parsed arguments and returns the exit code.
        failures: the errors whose message is printed as it is.
        wrong_usage: those of them that are the user's mistake.
    """
    told = logging.StreamHandler()
    told.setFormatter(_OneLine("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[told])
    signal.signal(signal.SIGTERM, _interrupt)
    if sys.stdout is None:
        say("Standard output is not available.")
        return FAILED
    if isinstance(sys.stdout, io.TextIOWrapper):
        # UTF-8 whatever the locale: a result that was paid for must be printable.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        parsed = parser.parse_args(arguments)
        code = int(parsed.run(parsed))
        sys.stdout.flush()
        return code
    except failures as error:
        say(str(error))
        return WRONG_USAGE if isinstance(error, wrong_usage) else FAILED
    except KeyboardInterrupt:
        say("Stopped.")
        return FAILED
    except BrokenPipeError:
        return _no_output()
    except OSError as error:
        return _refused(error)


class _OneLine(logging.Formatter):
    """A message with its control characters made visible; a traceback below it stays as Python writes it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return visible(super().formatMessage(record))


def _refused(error: OSError) -> int:
    # An error on standard output names no file.
    if error.errno is None or error.filename is not None:
        what = error.strerror or type(error).__name__
        say(f"The operating system reported an error: {what}{f' ({error.filename})' if error.filename else ''}.")
        return FAILED
    say(f"The output could not be written ({error.strerror}).")
    return _no_output()


def _no_output() -> int:
    # The reader of the output is gone, or its disk is full; keep Python from complaining about it again at exit.
    sys.stdout = None
    return FAILED


def say(sentence: str) -> None:
    """Print one line on stderr."""
    print(visible(" ".join(sentence.split())), file=sys.stderr)


def _interrupt(signal_number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
