"""Reads a model's reply while it streams: each step is checked as soon as it is complete.

Memory and nesting are bounded, whatever arrives. Checking early only detects a failure sooner; a reply without one is
judged as a whole by `validate_workflow`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

from orchestrator.workflow.blank_run import MAX_BLANKS, BlankRun
from orchestrator.workflow.characters import damaged, joined, storable
from orchestrator.workflow.step_scanner import StepScanner, not_json, too_deep
from orchestrator.workflow.steps import MAX_STEPS, Finding, FindingClass, Step, schema_finding
from orchestrator.workflow.validation import accepted, check_step, steps_of, too_many_steps, validate_workflow

MAX_REPLY_CHARS = 1_000_000

_FENCE = "```"
_MOST_DAMAGES = 20


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """The result of validating a whole reply: its steps if it is accepted, findings in either case."""

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Whether the reply is accepted."""
        return accepted(self.findings)

    @property
    def rejected_for(self) -> FindingClass | None:
        """The class of the findings that reject the reply, schema before semantic; None if it is accepted."""
        classes = {finding.finding_class for finding in self.findings if finding.rejects}
        return "schema" if "schema" in classes else "semantic" if classes else None

    @property
    def rejecting_codes(self) -> tuple[str, ...]:
        """The rules that reject the reply, without duplicates, in the order of the findings."""
        return tuple(dict.fromkeys(finding.code for finding in self.findings if finding.rejects))


class Reply:
    """The text of one reply as it arrives.

    Attributes:
        breach: the first schema failure so far; it rejects the reply, whatever follows.
        length_chars: number of characters that arrived, kept or not.
    """

    def __init__(self, services: Collection[str]) -> None:
        self.breach: Finding | None = None
        self.length_chars = 0
        self._services = services
        self._parts: list[str] = []
        self._scanner = StepScanner()
        self._blanks = BlankRun()
        self._seen: set[str] = set()
        self._count = 0

    @property
    def text(self) -> str:
        """What arrived, up to MAX_REPLY_CHARS."""
        return joined("".join(self._parts))

    @property
    def endless(self) -> bool:
        """Whether only blanks keep arriving, so that reading on would only cost money."""
        return self._blanks.endless

    def take(self, piece: str) -> list[Step]:
        """The steps that `piece` completes, each matching the schema; empty after a schema failure."""
        room = MAX_REPLY_CHARS - self.length_chars
        self.length_chars += len(piece)
        if room > 0:
            self._parts.append(piece[:room])
        self._blanks.feed(piece)
        if self.breach:
            return []
        if len(piece) > room:
            self.breach = _too_large()
        elif self.endless:
            self.breach = _endless()
        if self.breach:
            return []
        return list(self._sound_steps(piece))

    def close(self, ending: Finding | None = None) -> CheckedReply:
        """The result of validating the whole reply.

        Args:
            ending: why the model stopped, if that alone rejects the reply (a refusal, a cut at the length limit).
        """
        alarms = tuple(finding for finding in (ending, self.breach) if finding)
        if ending or (self.breach and self.breach.code in _SHAPELESS):
            return CheckedReply((), alarms)
        verdict = judge(self.text, self._services)
        if not alarms:
            return verdict
        return CheckedReply((), alarms + tuple(finding for finding in verdict.findings if finding not in alarms))

    def _sound_steps(self, piece: str) -> Iterator[Step]:
        for raw in self._scanner.feed(piece):
            path = f"$.{self._scanner.key}[{self._count}]"
            self._count += 1
            step, findings = self._check(raw, path)
            if findings:
                self.breach = findings[0]
                return
            yield step
        self.breach = self.breach or self._scanner.breach

    def _check(self, raw: str, path: str) -> tuple[Any, list[Finding]]:
        if self._count > MAX_STEPS:
            return None, [too_many_steps(f"$.{self._scanner.key}")]
        try:
            step = parsed(raw)
        except ValueError:
            return None, [not_json()]
        return step, check_step(step, path, self._seen)


def judge(text: str, services: Collection[str]) -> CheckedReply:
    """Parse and validate a complete text, after removing a Markdown code fence."""
    notes: tuple[Finding, ...] = ()
    if (body := _unfenced(text)) is not None:
        text = body
        note = "The answer came inside a Markdown code fence, which was removed."
        notes = (Finding("$", "reply_fenced", note, "schema", rejects=False),)
    if not text.strip():
        return CheckedReply((), (schema_finding("$", "reply_empty", "The answer is empty."),))
    try:
        data = parsed(text)
    except RecursionError:
        return CheckedReply((), (too_deep(),))
    except ValueError:
        return CheckedReply((), (not_json(),))
    findings = validate_workflow(data, services) + notes + tuple(islice(_damages(data), _MOST_DAMAGES))
    return CheckedReply(tuple(steps_of(data)[0]) if accepted(findings) else (), findings)


def _unfenced(text: str) -> str | None:
    """The content of a Markdown code block; None if the text is not one."""
    text = text.strip()
    if len(text) < 2 * len(_FENCE) or not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return None
    return text[len(_FENCE) : -len(_FENCE)].partition("\n")[2]


def parsed(text: str) -> Any:
    """The JSON value of a text, parsed strictly: no NaN, no number beyond a float, only text that Postgres can store.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    return storable(json.loads(text.strip().removeprefix("\ufeff"), parse_constant=_refuse, parse_float=_finite))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _damages(data: Any) -> Iterator[Finding]:
    for path in damaged(data):
        sentence = "Some characters of this text arrived damaged; each is shown as a replacement character."
        yield Finding(path, "text_damaged", sentence, "schema", rejects=False)


def _too_large() -> Finding:
    return schema_finding("$", "too_large", f"The answer is longer than {MAX_REPLY_CHARS:,} characters.")


def _endless() -> Finding:
    sentence = f"The answer continued with more than {MAX_BLANKS:,} blanks in a row and was cut off there."
    return schema_finding("$", "endless_blanks", sentence)


_SHAPELESS = frozenset({"too_deep", "too_large", "endless_blanks"})
"""After one of these findings, the text is not parsed at all."""
