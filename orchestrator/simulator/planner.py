"""Generates a plausible workflow for a goal: what a small model would answer, by rules instead of weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.simulator.assignment import assign, spoken
from orchestrator.simulator.clauses import Clause, read
from orchestrator.workflow.steps import MAX_STEPS, Step

_JUDGEMENT = re.compile(
    r"^(?:analy|assess|approv|brainstorm|categori|check|choos|classif|compos|decid|design|draft|evaluat|gener|grad|identif"
    r"|improv|optimi|predict|priorit|rank|recommend|rat|reflect|review|scor|suggest|summar|translat|verif|writ)",
    re.IGNORECASE,
)
_READING = re.compile(
    r"^(?:get|fetch|retriev|find|list|read|search|look|collect|download|query|compile|check)", re.IGNORECASE
)
_FILLERS = frozenset({"with", "from", "that", "this", "each", "into", "what", "then", "them", "will", "corresponding"})
_MOST_CLAUSES = 15

_Task = tuple[Clause, list[str]]
"""A clause and its services."""


@dataclass
class _Plan:
    """The steps built so far."""

    steps: list[Step] = field(default_factory=list)

    def add(self, operation: str, step_type: str, after: Sequence[Step], *, service: str | None = None) -> Step:
        number = len(self.steps) + 1
        step: Step = {
            "id": f"step_{number}",
            "operation": operation,
            "step_type": step_type,
            "service": service,
            "inputs": [_binding(_result(before), before["id"]) for before in after if before["outputs"]],
            "outputs": [_binding(_name(operation, number))] if step_type != "conditional" else [],
            "depends_on": [before["id"] for before in after],
            "branches": [],
            "required_tools": [service] if service else [],
        }
        self.steps.append(step)
        return step


def plan(goal: str, services: Sequence[str]) -> dict[str, Any]:
    """The complete answer for a goal: an api_call for every service, conditionals where the goal has conditions.

    A goal that cannot be parsed gets a short generic workflow. Equal arguments give equal answers.
    """
    clauses = read(goal)[:_MOST_CLAUSES]
    uses, unused = assign([clause.text for clause in clauses], services)
    built = _Plan()
    last: list[Step] = []
    for service in unused:
        last = [built.add(f"Read what is needed from {spoken(service)}", "api_call", last, service=service)]
    waiting = list(zip(clauses, uses, strict=True))
    while waiting:
        last = _next(built, waiting, last)
    if len(built.steps) < 3 or len(last) > 1:
        last = [built.add("Combine the results for the requester", "transform", last)]
    while len(built.steps) < 3:
        last = [built.add("Check that the results answer the request", "llm_decision", last)]
    return {"pilot_steps": built.steps[:MAX_STEPS]}


def _next(built: _Plan, waiting: list[_Task], after: list[Step]) -> list[Step]:
    """Build the next steps, and return those that the following steps build on."""
    clause, _ = waiting[0]
    if clause.condition is None:
        return [_act(built, waiting.pop(0), after)]
    met = [waiting.pop(0), *_taken(waiting, lambda follower: follower.continues)]
    unmet = _taken(waiting, lambda follower: follower.otherwise)[:1]
    if unmet:
        unmet += _taken(waiting, lambda follower: follower.continues)
    after = after or [built.add("Read the input for the decision", "transform", [])]
    condition = built.add(f"Does this hold: {clause.condition}?", "conditional", after)
    ends = []
    for when, tasks in ((clause.condition, met), ("otherwise", unmet)):
        ends.append(_way(built, [task for task in tasks if task[0].text], condition, when))
    return ends


def _way(built: _Plan, tasks: list[_Task], condition: Step, when: str) -> Step:
    """Build one branch of a conditional, and return its last step."""
    first, last = len(built.steps), condition
    for task in tasks or [(Clause("Leave it unchanged and note why"), [])]:
        last = _act(built, task, [last])
    condition["branches"].append({"when": when, "next": built.steps[first]["id"]})
    return last


def _taken(waiting: list[_Task], belongs: Callable[[Clause], bool]) -> list[_Task]:
    tasks = []
    while waiting and belongs(waiting[0][0]):
        tasks.append(waiting.pop(0))
    return tasks


def _act(built: _Plan, task: _Task, after: list[Step]) -> Step:
    clause, services = task
    if not services:
        judged = _JUDGEMENT.match(clause.text)
        return built.add(clause.text, "llm_decision" if judged else "transform", after)
    last = built.add(clause.text, "api_call", after, service=services[0])
    for service in services[1:]:
        reading = _READING.match(clause.text)
        if not reading:
            last = built.add(f"Prepare the data for {spoken(service)}", "transform", [last])
        operation = f"{'Read from' if reading else 'Continue in'} {spoken(service)}"
        last = built.add(operation, "api_call", [last], service=service)
    return last


def _binding(name: str, from_step: str | None = None) -> dict[str, str | None]:
    return {"name": name, "from_step": from_step, "value": None}


def _result(step: Step) -> str:
    return str(step["outputs"][0]["name"])


def _name(operation: str, number: int) -> str:
    nouns = [word for word in re.findall(r"[a-z]{4,}", operation.casefold())[1:] if word not in _FILLERS]
    return "_".join(nouns[:2]) or f"result_{number}"
