"""How a streamed reply is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.reply import MAX_REPLY_CHARS, Reply, judge
from orchestrator.workflow.steps import schema_finding


def step(step_id: str, **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "operation": 'Say "}],[{" \\', "step_type": "transform"} | fields


WORKFLOW = {
    "note": 'a decoy: "pilot_steps": [',
    "pilot_steps": [
        step("a", inputs=[{"name": "x", "from_step": None}]),
        step("b", depends_on=["a"], more={"y": [[1]]}),
    ],
    "after": [1, {"pilot": 2}],
}


@given(st.lists(st.integers(1, 40), min_size=1), st.sampled_from([None, 1]))
def test_steps_arrive_whatever_the_pieces(sizes: list[int], indent: int | None) -> None:
    """However the text is split, each step is returned once, complete, and in order."""
    text, reply, arrived, at = json.dumps(WORKFLOW, indent=indent), Reply([]), [], 0
    for size in sizes * len(text):
        arrived += reply.take(text[at : at + size])
        at += size
        if at >= len(text):
            break

    assert arrived == WORKFLOW["pilot_steps"]
    assert reply.breach is None
    assert reply.close().steps == tuple(arrived)


def test_a_step_arrives_before_the_reply_ends() -> None:
    """The first step is returned as soon as its closing bracket arrives."""
    reply = Reply([])
    first = json.dumps(step("a"))

    assert reply.take('{"pilot_steps": [' + first[:-1]) == []
    assert reply.take("}") == [step("a")]


@dataclass(frozen=True)
class Case:
    id: str
    text: str
    codes: list[str]
    breach: str | None = None


CASES = [
    Case(
        "a bad step, the rest missing",
        '{"pilot_steps":[{"id":"a"}, {"id"',
        ["operation_missing", "not_json"],
        "operation_missing",
    ),
    Case("a step that is a number", '{"pilot_steps":[5]}', ["step_not_an_object"], "step_not_an_object"),
    Case("a step that is a text", '{"pilot_steps":["a"]}', ["step_not_an_object"], "step_not_an_object"),
    Case("prose", "Sure, here it is: {}", ["not_json"], "not_json"),
    Case("nothing", "", ["reply_empty"]),
    Case("blanks", " \n ", ["reply_empty"]),
    Case("cut in the middle", '{"pilot_steps":[{"id":"a","operation":"b","step_type":"transform"}', ["not_json"]),
    Case(
        "not a number",
        '{"pilot_steps":[{"id":"a","operation":"b","step_type":"transform","x":NaN}]}',
        ["not_json"],
        "not_json",
    ),
    Case(
        "beyond a number",
        '{"pilot_steps":[{"id":"a","operation":"b","step_type":"transform","x":1e999}]}',
        ["not_json"],
        "not_json",
    ),
    Case("a hundred thousand brackets", '{"a":' + "[" * 100_000, ["too_deep"], "too_deep"),
    Case("a million and one letters", '{"pilot_steps":"' + "x" * MAX_REPLY_CHARS, ["too_large"], "too_large"),
    Case(
        "51 steps",
        json.dumps({"pilot_steps": [step(f"s{n}") for n in range(51)]}),
        ["too_many_steps"],
        "too_many_steps",
    ),
    Case("brackets that do not match", "}}]]", ["not_json"], "not_json"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("size", [7, 10_000_000], ids=["in pieces", "at once"])
def test_a_bad_reply_is_named(case: Case, size: int) -> None:
    """Every bad reply is rejected with its codes, and as early as possible."""
    reply = Reply([])
    for at in range(0, len(case.text), size):
        reply.take(case.text[at : at + size])
    verdict = reply.close()

    assert not verdict.accepted
    assert list(dict.fromkeys(finding.code for finding in verdict.findings)) == case.codes
    assert (reply.breach.code if reply.breach else None) == case.breach


def test_memory_is_bounded() -> None:
    """Only the first million characters of an endless reply are kept; the rest is counted."""
    reply = Reply([])
    for _ in range(30):
        reply.take("x" * 100_000)

    assert len(reply.text) == MAX_REPLY_CHARS
    assert reply.length_chars == 3_000_000


def test_a_fence_is_taken_off_and_mentioned() -> None:
    """A workflow in a Markdown code fence is accepted, with a warning."""
    verdict = judge(f"```json\n{json.dumps(WORKFLOW)}\n```", [])

    assert verdict.accepted
    assert [finding.code for finding in verdict.findings] == ["reply_fenced"]


def test_an_ending_refuses_a_whole_workflow() -> None:
    """A reply that the provider marks as cut off or refused is not used, however complete it looks."""
    reply = Reply([])
    reply.take(json.dumps(WORKFLOW))

    assert not reply.close(schema_finding("$", "reply_truncated", "Cut.")).accepted


def test_what_postgres_cannot_store_is_replaced() -> None:
    """NUL and lone surrogates are replaced by the replacement character."""
    verdict = judge('{"pilot_steps":[{"id":"a\\u0000","operation":"\\ud800b","step_type":"transform"}]}', [])

    assert verdict.steps[0] == {"id": "a\ufffd", "operation": "\ufffdb", "step_type": "transform"}


@given(st.text(), st.integers(1, 9))
def test_the_early_look_agrees_with_the_verdict(text: str, size: int) -> None:
    """A reply with an early schema failure is never accepted at the end."""
    reply = Reply([])
    for at in range(0, len(text), size):
        reply.take(text[at : at + size])

    assert not (reply.breach and reply.close().accepted)
