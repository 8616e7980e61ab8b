"""The commands behind `python -m orchestrator`."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from orchestrator.background import Job
from orchestrator.bootstrap import Application, bootstrap
from orchestrator.cli.batch import Failure, outcomes
from orchestrator.errors import InvalidRequest, RecordingFailed
from orchestrator.generation.lineup import Overrides
from orchestrator.generation.progress import AttemptFailed, AttemptStarted, Progress
from orchestrator.orchestrator import GenerationOptions
from orchestrator.request import WorkflowRequest, checked_request
from orchestrator.result import WorkflowGenerationResult
from orchestrator.settings import read_settings, save_settings, setting_from_text
from orchestrator.workflow.steps import STEP_TYPES
from store import NotPermitted, exact_json, visible
from store.caller import who_is
from store.command_line import DONE, FAILED, say

_TYPE_CHARS = max(map(len, STEP_TYPES)) + 1


def generate(arguments: argparse.Namespace) -> int:
    """Generate from one prompt or a file of prompts."""
    if (arguments.prompt is None) == (arguments.file is None):
        raise InvalidRequest("Give either a prompt or --file.")
    if arguments.file is not None and (arguments.services, arguments.agent_id) != (None, None):
        raise InvalidRequest("--services and --agent-id go with a prompt; in a file, each line has its own.")
    with _application() as application:
        actor_id = _actor_id(application)
        if arguments.file is not None:
            return _generate_file(application, actor_id, arguments)
        services = [name for name in (arguments.services or "").split(",") if name.strip()]
        request = _request(arguments.prompt, services, arguments.agent_id, actor_id)
        job = application.orchestrator.start(request, _options(arguments), _tell)
        try:
            _print(_result(job), arguments.json)
        except RecordingFailed as error:
            if error.result:
                _print(error.result, arguments.json)
            raise
        return DONE


def _options(arguments: argparse.Namespace) -> GenerationOptions:
    """What is different for these generations only."""
    enabled = False if arguments.no_fallback else True if arguments.fallback else None
    overrides = Overrides(arguments.primary, arguments.fallback, enabled)
    return GenerationOptions(
        overrides=None if overrides == Overrides() else overrides, primary_fault=arguments.force_failure
    )


def settings(arguments: argparse.Namespace) -> int:
    """Show the settings, after saving changes if there are any."""
    changes = dict(setting_from_text(assignment) for assignment in arguments.set)
    with _application() as application:
        database = application.person()
        current = save_settings(database, changes) if changes else read_settings(database)
    if arguments.json:
        print(exact_json(current.as_json()))
    else:
        print("\n".join(f"{key} = {json.dumps(value)}" for key, value in current.as_json().items()))
    return DONE


_NO_LINE = 'The line is not a JSON object with "prompt" and "services".'
_FIELDS = {
    "prompt": 'The field "prompt" must be text.',
    "services": 'The field "services" must be a list of names, such as ["Slack", "Jira"].',
    "agent_id": 'The field "agent_id" must be text or be left out.',
}


class _Line(BaseModel, extra="allow"):
    prompt: str
    services: list[str] = []
    agent_id: str | None = None


def _generate_file(application: Application, actor_id: str, arguments: argparse.Namespace) -> int:
    told: set[str] = set()
    options = _options(arguments)

    def begin(line: bytes) -> Job[WorkflowGenerationResult]:
        try:
            asked = _Line.model_validate_json(line)
        except ValidationError as error:
            raise InvalidRequest(_complaint(line, error)) from None
        _tell_unread(asked, told)
        request = _request(asked.prompt, asked.services, asked.agent_id, actor_id)
        return application.orchestrator.start(request, options, lambda event: None)

    failed = 0
    with contextlib.closing(outcomes(arguments.file, begin)) as found:
        for number, outcome in found:
            failed += isinstance(outcome, Failure)
            _tell_line(number, outcome)
            _print(outcome, arguments.json)
    return FAILED if failed else DONE


def _complaint(line: bytes, error: ValidationError) -> str:
    """Which part of a line is invalid, by field name; never its content."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return "The line is not UTF-8; save the file as UTF-8."
    return _FIELDS.get(str(next(iter(error.errors()[0]["loc"]), "")), _NO_LINE)


def _result(job: Job[WorkflowGenerationResult]) -> WorkflowGenerationResult:
    """Wait for the result; Ctrl-C cancels the generation and waits until that is recorded."""
    try:
        return job.future.result()
    except KeyboardInterrupt:
        job.cancel()
        return job.future.result()


def _request(prompt: str, services: list[str], agent_id: str | None, actor_id: str) -> WorkflowRequest:
    return checked_request(prompt=prompt, services=services, agent_id=agent_id, user_id=actor_id, origin="cli")


def _actor_id(application: Application) -> str:
    person = who_is(application.person())
    if not person.may("generate"):
        raise NotPermitted("Generating workflows needs the role admin or engineer; ask an admin for it.")
    return person.user_id


@contextlib.contextmanager
def _application() -> Iterator[Application]:
    application = bootstrap()
    try:
        yield application
    finally:
        application.close()


def _tell(event: Progress) -> None:
    if isinstance(event, AttemptStarted):
        say(f"Asking {event.model} ...")
    elif isinstance(event, AttemptFailed):
        say(f"The attempt failed ({event.reason}).")


def _tell_unread(asked: _Line, told: set[str]) -> None:
    """Warn once per ignored field, so that a misspelled one does not go unnoticed."""
    if unread := set(asked.model_extra or ()) - told:
        told |= unread
        named = visible(", ".join(sorted(unread)))
        say(f"Ignored fields: {named[:200]}. A line has prompt, services and agent_id.")


def _tell_line(number: int, outcome: WorkflowGenerationResult | Failure) -> None:
    if isinstance(outcome, Failure):
        say(f"{number}: {outcome.error}")
    else:
        say(f"{number}: {len(outcome.pilot_steps)} steps by {outcome.generator_used}, ${outcome.cost_usd:f}")


def _print(outcome: WorkflowGenerationResult | Failure, as_json: bool) -> None:
    if as_json:
        body = {"error": _error(outcome.error)} if isinstance(outcome, Failure) else outcome.as_json()
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
        lines.append(f"{position:3}. {step['step_type']:{_TYPE_CHARS}}" + visible(f"{step['operation']}{service}"))
    lines += ["  !  " + visible(f"{finding.message} ({finding.path})") for finding in result.findings]
    asked = " after ".join([result.generator_used, *(["a failed attempt"] if result.fallback_reason else [])])
    simulated = ", simulated" if result.simulated else ""
    lines.append(
        f"{len(result.pilot_steps)} steps by {asked}, ${result.cost_usd:f}, "
        f"{result.generation_time_ms / 1000:.1f} s{simulated}; generation {result.generation_id}"
    )
    return "\n".join(lines)
