"""Checks whether an answer is a workflow that can run: returns all findings at once, for any input, without raising."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from orchestrator.workflow.graph import cyclic, edges, references, unreachable
from orchestrator.workflow.services import same
from orchestrator.workflow.steps import (
    MAX_STEPS,
    MIN_STEPS,
    STEP_TYPES,
    STEPS_KEY,
    STEPS_KEY_ALIAS,
    Finding,
    Step,
    schema_finding,
)

_LONGEST_QUOTE = 60
_MOST_FINDINGS = 100


def validate_workflow(data: object, services: Collection[str]) -> tuple[Finding, ...]:
    """Everything wrong with a model's parsed answer, schema failures first, each class in the order of the steps.

    Schema: an object with an array of 1-50 steps, each with a unique, non-blank id, a non-blank operation and a known
    step_type. Semantic: a reference to an unknown step and a cycle reject the answer; a step that is not connected to
    the others and a service that is not connected are warnings. Semantics are only checked if the schema is met.

    Args:
        data: the result of `json.loads`.
        services: names of the connected services; their spelling (`services.same`) does not matter.

    Returns:
        Empty if there are no findings.
    """
    steps, path, findings = steps_of(data)
    seen: set[str] = set()
    for index, step in enumerate(steps):
        findings += check_step(step, f"{path}[{index}]", seen)
    if findings:
        return tuple(findings)
    return tuple(_capped(_semantics(steps, path, services)))


def accepted(findings: Collection[Finding]) -> bool:
    """Whether an answer with these findings is accepted."""
    return not any(finding.rejects for finding in findings)


def steps_of(data: object) -> tuple[list[Any], str, list[Finding]]:
    """The steps of an answer, their JSON path, and what is wrong with the array itself."""
    if not isinstance(data, dict):
        return [], "$", [schema_finding("$", "not_an_object", "The answer is not a JSON object.")]
    key = STEPS_KEY if STEPS_KEY in data else STEPS_KEY_ALIAS
    path, steps = f"$.{key}", data.get(key)
    if key not in data:
        missing = f"The answer has no {STEPS_KEY}."
        return [], f"$.{STEPS_KEY}", [schema_finding(f"$.{STEPS_KEY}", "steps_missing", missing)]
    if not isinstance(steps, list):
        return [], path, [schema_finding(path, "steps_not_an_array", f"{key} is not an array.")]
    if len(steps) < MIN_STEPS:
        return [], path, [schema_finding(path, "no_steps", "The workflow has no steps.")]
    if len(steps) > MAX_STEPS:
        return steps[:MAX_STEPS], path, [too_many_steps(path)]
    return steps, path, []


def too_many_steps(path: str) -> Finding:
    """The finding for a workflow that is too long."""
    return schema_finding(path, "too_many_steps", f"The workflow has more than {MAX_STEPS} steps.")


def check_step(step: object, path: str, seen: set[str]) -> list[Finding]:
    """The schema failures of one step; its id is added to `seen`."""
    if not isinstance(step, dict):
        return [schema_finding(path, "step_not_an_object", "The step is not a JSON object.")]
    findings = [
        schema_finding(f"{path}.{field}", f"{field}_missing", f"The step's {field} is missing or blank.")
        for field in ("id", "operation")
        if not _has_text(step.get(field))
    ]
    if step.get("step_type") not in tuple(STEP_TYPES):  # not hashed: it may be a list
        sentence = f"The step_type must be one of {', '.join(STEP_TYPES)}."
        findings.append(schema_finding(f"{path}.step_type", "step_type_unknown", sentence))
    step_id = step.get("id")
    if isinstance(step_id, str) and step_id.strip():
        if step_id in seen:
            sentence = f"The id {_quoted(step_id)} is used twice."
            findings.append(schema_finding(f"{path}.id", "id_not_unique", sentence))
        seen.add(step_id)
    return findings


def _capped(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The first findings, and one for all others: a model's answer may contain a hundred thousand bad references."""
    yield from islice(findings, _MOST_FINDINGS)
    others = [finding.rejects for finding in findings]
    if others:
        yield Finding("$", "more_findings", f"There are {len(others):,} more.", "semantic", rejects=any(others))


def _has_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _semantics(steps: list[Step], path: str, services: Collection[str]) -> Iterator[Finding]:
    ids = [step["id"] for step in steps]
    known = set(ids)
    for index, step in enumerate(steps):
        for place, target in references(step):
            if not isinstance(target, str) or target not in known:
                sentence = f"The step refers to {_quoted(target)}, which is not a step of this workflow."
                yield Finding(f"{path}[{index}].{place}", "step_unknown", sentence, "semantic", rejects=True)
    arrows = edges(steps)
    for index in cyclic(ids, arrows):
        sentence = "The step depends on itself: its references form a cycle."
        yield Finding(f"{path}[{index}]", "cycle", sentence, "semantic", rejects=True)
    for index in unreachable(ids, arrows):
        sentence = "The step is not connected to the first step."
        yield Finding(f"{path}[{index}]", "step_unreachable", sentence, "semantic", rejects=False)
    connected = {same(service) for service in services if isinstance(service, str)}
    for index, step in enumerate(steps):
        for place, service in _services_used(step):
            if same(service) not in connected:
                sentence = f"The service {_quoted(service)} is not connected."
                yield Finding(f"{path}[{index}].{place}", "service_not_connected", sentence, "semantic", rejects=False)


def _services_used(step: Step) -> Iterator[tuple[str, str]]:
    service = step.get("service")
    if _has_text(service):
        yield "service", str(service)
    tools = step.get("required_tools")
    for index, tool in enumerate(tools if isinstance(tools, list) else []):
        if _has_text(tool):
            yield f"required_tools[{index}]", str(tool)


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else f"a {type(value).__name__}"
    return repr(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "...")
