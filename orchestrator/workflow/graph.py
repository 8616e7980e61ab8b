"""The graph of the steps: which follows which, which depend on themselves, which are unreachable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from orchestrator.workflow.steps import Step

Edge = tuple[str, str]
"""From the step that comes first to the one that follows."""


def references(step: Step) -> Iterator[tuple[str, object]]:
    """Every reference to another step: its place in the step, and its target as written."""
    for field in ("inputs", "outputs"):
        for index, binding in enumerate(_list(step.get(field))):
            if isinstance(binding, dict) and binding.get("from_step") is not None:
                yield f"{field}[{index}].from_step", binding["from_step"]
    for index, target in enumerate(awaited(step)):
        yield f"depends_on[{index}]", target
    for index, branch in _branches(step):
        yield f"branches[{index}].next", branch["next"]


def awaited(step: Step) -> list[object]:
    """The targets of `depends_on`, as written; empty if it is not an array."""
    return _list(step.get("depends_on"))


def cases(step: Step) -> list[tuple[object, object]]:
    """Each branch's condition and the step that follows it; malformed branches are left out."""
    return [(branch.get("when"), branch["next"]) for _, branch in _branches(step)]


def edges(steps: Iterable[Step]) -> set[Edge]:
    """The edges between known steps. An output's `from_step` may name its own step and makes no edge."""
    steps = list(steps)
    known = {step["id"] for step in steps}
    arrows: set[Edge] = set()
    for step in steps:
        for place, target in references(step):
            if not isinstance(target, str) or target not in known or place.startswith("outputs"):
                continue
            arrows.add((step["id"], target) if place.startswith("branches") else (target, step["id"]))
    return arrows


def cyclic(ids: list[str], arrows: set[Edge]) -> list[int]:
    """Positions of the steps that are part of a cycle, in order; empty if there is none."""
    after: dict[str, set[str]] = defaultdict(set)
    for first, second in arrows:
        after[first].add(second)
    return [index for index, step_id in enumerate(ids) if step_id in _reached(after, after[step_id])]


def unreachable(ids: list[str], arrows: set[Edge]) -> list[int]:
    """Positions of the steps that no chain of edges, in either direction, connects to the first step.

    Without any edges, the steps simply run in order and none is unreachable.
    """
    if not arrows or not ids:
        return []
    neighbours: dict[str, set[str]] = defaultdict(set)
    for first, second in arrows:
        neighbours[first].add(second)
        neighbours[second].add(first)
    reached = _reached(neighbours, {ids[0]})
    return [index for index, step_id in enumerate(ids) if step_id not in reached]


def _reached(following: Mapping[str, set[str]], begins: Iterable[str]) -> set[str]:
    """The steps reachable from these, including these."""
    reached = set(begins)
    waiting = list(reached)
    while waiting:
        new = following.get(waiting.pop(), set()) - reached
        reached |= new
        waiting.extend(new)
    return reached


def _branches(step: Step) -> Iterator[tuple[int, dict[str, object]]]:
    for index, branch in enumerate(_list(step.get("branches"))):
        if isinstance(branch, dict) and branch.get("next") is not None:
            yield index, branch


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
