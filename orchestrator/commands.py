"""The commands behind `python -m orchestrator`."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import itertools
import json
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from orchestrator.background import Job
from orchestrator.bootstrap import Application, bootstrap
from orchestrator.errors import InvalidRequest, OrchestratorError, RecordingFailed
from orchestrator.events import AttemptFailed, AttemptStarted, GenerationEvent
from orchestrator.orchestrator import RunOptions
from orchestrator.request import WorkflowRequest, checked_request
from orchestrator.result import WorkflowGenerationResult
from orchestrator.settings import read_settings, save_settings, setting_from_text
from store import NotPermitted, StoreError, exact_json
from store.command_line import DONE, FAILED, say

# How many prompts of a file are in work at once.
_AT_ONCE = 4


def generate(arguments: argparse.Namespace) -> int:
    """One prompt, or a file of them."""
    if (arguments.prompt is None) == (arguments.file is None):
        raise InvalidRequest("Give either a prompt or --file.")
    if arguments.file is not None and (arguments.services, arguments.agent_id) != (None, None):
        raise InvalidRequest("--services and --agent-id go with a prompt; in a file each line has its own.")
    with _application() as application:
        actor_id = _actor_id(application)
        if arguments.file is not None:
            return _generate_file(application, actor_id, arguments)
        services = [name for name in (arguments.services or "").split(",") if name.strip()]
        request = _request(arguments.prompt, services, arguments.agent_id, actor_id)
        job = application.orchestrator.start(request, RunOptions(origin="cli"), _tell)
        try:
            _print(_result(job), arguments.json)
        except RecordingFailed as error:
            if error.result:
                _print(error.result, arguments.json)
            raise
        return DONE


def settings(arguments: argparse.Namespace) -> int:
    """Show the settings, after changing some of them."""
    changes = dict(setting_from_text(assignment) for assignment in arguments.set)
    with _application() as application:
        database = application.person()
        current = save_settings(database, changes) if changes else read_settings(database)
    if arguments.json:
        print(exact_json(current.as_json()))
    else:
        print("\n".join(f"{key} = {json.dumps(value)}" for key, value in current.as_json().items()))
    return DONE


class _Line(BaseModel):
    prompt: str
    services: list[str] = []
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    """A line that failed before or during its generation."""

    error: Exception


def _generate_file(application: Application, actor_id: str, arguments: argparse.Namespace) -> int:
    waiting: deque[Job[WorkflowGenerationResult] | _Failure] = deque()
    lines = _lines(arguments.file)
    number, failed = 0, 0
    try:
        while True:
            while len(waiting) < _AT_ONCE and (line := next(lines, None)) is not None:
                waiting.append(_begun(application, actor_id, line))
            if not waiting:
                return FAILED if failed else DONE
            outcome = _outcome(waiting[0])
            waiting.popleft()
            number += 1
            failed += isinstance(outcome, _Failure)
            _tell_line(number, outcome)
            _print(outcome, arguments.json)
    except (KeyboardInterrupt, OSError):  # the output is closed, or its disk full
        _cancel_all(waiting)
        raise


def _cancel_all(waiting: deque[Job[WorkflowGenerationResult] | _Failure]) -> None:
    jobs = [entry for entry in waiting if isinstance(entry, Job)]
    for job in jobs:
        job.cancel()
    for job in jobs:
        job.future.exception()
    say("What was running is cancelled; what it spent is booked.")


def _lines(name: str) -> Iterator[bytes]:
    if name == "-" and sys.stdin is None:
        raise InvalidRequest("There is no standard input to read.")
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            # Some editors begin a file with a byte-order mark.
            lines = itertools.chain([next(file, b"").removeprefix(codecs.BOM_UTF8)], file)
            yield from (line for line in lines if line.strip())
    except OSError as error:
        raise InvalidRequest(f"The file {name} cannot be read ({error.strerror}).") from error


def _begun(application: Application, actor_id: str, line: bytes) -> Job[WorkflowGenerationResult] | _Failure:
    try:
        asked = _Line.model_validate_json(line)
        request = _request(asked.prompt, asked.services, asked.agent_id, actor_id)
    except ValidationError:
        return _Failure(InvalidRequest('The line is not a JSON object with "prompt" and "services".'))
    except InvalidRequest as error:
        return _Failure(error)
    return application.orchestrator.start(request, RunOptions(origin="cli"), lambda event: None)


def _outcome(entry: Job[WorkflowGenerationResult] | _Failure) -> WorkflowGenerationResult | _Failure:
    if isinstance(entry, _Failure):
        return entry
    try:
        return entry.future.result()
    except (OrchestratorError, StoreError) as error:
        return _Failure(error)


def _result(job: Job[WorkflowGenerationResult]) -> WorkflowGenerationResult:
    """The result, waited for; Ctrl-C cancels the generation and waits until that is booked."""
    try:
        return job.future.result()
    except KeyboardInterrupt:
        job.cancel()
        return job.future.result()


def _request(prompt: str, services: list[str], agent_id: str | None, actor_id: str) -> WorkflowRequest:
    return checked_request(prompt=prompt, services=services, agent_id=agent_id, user_id=actor_id, origin="cli")


class _Whoami(BaseModel):
    user_id: str
    role: str | None


def _actor_id(application: Application) -> str:
    who = _Whoami.model_validate(application.person().call("whoami"))
    if who.role not in ("admin", "member"):
        raise NotPermitted("You have no role in this console; ask an admin to grant you one.")
    return who.user_id


@contextlib.contextmanager
def _application() -> Iterator[Application]:
    application = bootstrap()
    try:
        yield application
    finally:
        application.close()


def _tell(event: GenerationEvent) -> None:
    if isinstance(event, AttemptStarted):
        say(f"Asking {event.model} ...")
    elif isinstance(event, AttemptFailed):
        say(f"That failed ({event.reason}).")


def _tell_line(number: int, outcome: WorkflowGenerationResult | _Failure) -> None:
    if isinstance(outcome, _Failure):
        say(f"{number}: {outcome.error}")
    else:
        say(f"{number}: {len(outcome.pilot_steps)} steps by {outcome.generator_used}, ${outcome.cost_usd:f}")


def _print(outcome: WorkflowGenerationResult | _Failure, as_json: bool) -> None:
    if as_json:
        body = {"error": _error(outcome.error)} if isinstance(outcome, _Failure) else outcome.as_json()
        print(exact_json(body), flush=True)
    elif isinstance(outcome, WorkflowGenerationResult):
        print(_for_people(outcome), flush=True)


def _error(error: Exception) -> dict[str, Any]:
    attempts = getattr(error, "attempts", ())
    body: dict[str, Any] = {
        "code": getattr(error, "code", "error"),
        "message": str(error),
        "attempts": [attempt.as_json() for attempt in attempts],
    }
    if isinstance(error, RecordingFailed) and error.result:
        body["result"] = error.result.as_json()
    return body


def _for_people(result: WorkflowGenerationResult) -> str:
    lines = []
    for position, step in enumerate(result.pilot_steps, start=1):
        service = f" [{step['service']}]" if step.get("service") else ""
        lines.append(f"{position:3}. {step['step_type']:13}{step['operation']}{service}")
    lines += [f"  !  {finding.message} ({finding.path})" for finding in result.findings]
    asked = " after ".join([result.generator_used, *(["a failed attempt"] if result.fallback_reason else [])])
    simulated = ", simulated" if result.simulated else ""
    lines.append(
        f"{len(result.pilot_steps)} steps by {asked}, ${result.cost_usd:f}, "
        f"{result.generation_time_ms / 1000:.1f} s{simulated}; generation {result.generation_id}"
    )
    return "\n".join(lines)
