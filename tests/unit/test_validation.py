"""What `validate_workflow` finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.validation import accepted, validate_workflow


def step(step_id: str, **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "operation": "Do it", "step_type": "transform"} | fields


@dataclass(frozen=True)
class Case:
    id: str
    data: object
    findings: list[tuple[str, str]]
    accepted: bool = False
    services: list[str] = field(default_factory=lambda: ["Slack"])


CASES = [
    Case("three required fields are enough", {"pilot_steps": [step("a")]}, [], accepted=True),
    Case("the alias is read", {"workflow_steps": [step("a"), step("b", depends_on=["a"])]}, [], accepted=True),
    Case("unknown fields are kept", {"pilot_steps": [step("a", retries=3, config={"x": [1]})]}, [], accepted=True),
    Case("nothing", None, [("$", "not_an_object")]),
    Case("a bare array", [step("a")], [("$", "not_an_object")]),
    Case("no steps key", {"steps": [step("a")]}, [("$.pilot_steps", "steps_missing")]),
    Case("steps are an object", {"pilot_steps": {}}, [("$.pilot_steps", "steps_not_an_array")]),
    Case("no steps", {"pilot_steps": []}, [("$.pilot_steps", "no_steps")]),
    Case("50 steps", {"pilot_steps": [step(f"s{n}") for n in range(50)]}, [], accepted=True),
    Case("51 steps", {"pilot_steps": [step(f"s{n}") for n in range(51)]}, [("$.pilot_steps", "too_many_steps")]),
    Case("a null step", {"pilot_steps": [None]}, [("$.pilot_steps[0]", "step_not_an_object")]),
    Case(
        "every field wrong at once",
        {"pilot_steps": [{"id": " ", "operation": 7, "step_type": ["transform"]}]},
        [
            ("$.pilot_steps[0].id", "id_missing"),
            ("$.pilot_steps[0].operation", "operation_missing"),
            ("$.pilot_steps[0].step_type", "step_type_unknown"),
        ],
    ),
    Case("an id twice", {"pilot_steps": [step("a"), step("a")]}, [("$.pilot_steps[1].id", "id_not_unique")]),
    Case(
        "references to nowhere",
        {
            "pilot_steps": [
                step(
                    "a", inputs=[{"name": "x", "from_step": "z"}], depends_on=[4], branches=[{"when": "y", "next": "q"}]
                )
            ]
        },
        [
            ("$.pilot_steps[0].inputs[0].from_step", "step_unknown"),
            ("$.pilot_steps[0].depends_on[0]", "step_unknown"),
            ("$.pilot_steps[0].branches[0].next", "step_unknown"),
        ],
    ),
    Case(
        "a circle of two",
        {"pilot_steps": [step("a", depends_on=["b"]), step("b", depends_on=["a"])]},
        [("$.pilot_steps[0]", "cycle"), ("$.pilot_steps[1]", "cycle")],
    ),
    Case(
        "two circles, and a step that only waits for one",
        {
            "pilot_steps": [
                step("a", depends_on=["b"]),
                step("b", depends_on=["a"]),
                step("c", depends_on=["d"]),
                step("d", depends_on=["c"]),
                step("e", depends_on=["d", "a"]),
            ]
        },
        [(f"$.pilot_steps[{place}]", "cycle") for place in range(4)],
    ),
    Case(
        "a step that waits for itself", {"pilot_steps": [step("a", depends_on=["a"])]}, [("$.pilot_steps[0]", "cycle")]
    ),
    Case(
        "a branch that leads back",
        {"pilot_steps": [step("a"), step("b", depends_on=["a"], branches=[{"when": "again", "next": "a"}])]},
        [("$.pilot_steps[0]", "cycle"), ("$.pilot_steps[1]", "cycle")],
    ),
    Case(
        "a step that nothing connects",
        {"pilot_steps": [step("a"), step("b", depends_on=["a"]), step("c")]},
        [("$.pilot_steps[2]", "step_unreachable")],
        accepted=True,
    ),
    Case(
        "a second beginning that is joined later",
        {"pilot_steps": [step("a"), step("b"), step("c", depends_on=["a", "b"])]},
        [],
        accepted=True,
    ),
    Case("steps without references run in order", {"pilot_steps": [step("a"), step("b")]}, [], accepted=True),
    Case(
        "a service that is not connected",
        {"pilot_steps": [step("a", service="Jira"), step("b", service="SLACK ", required_tools=["Mail"])]},
        [
            ("$.pilot_steps[0].service", "service_not_connected"),
            ("$.pilot_steps[1].required_tools[0]", "service_not_connected"),
        ],
        accepted=True,
    ),
    Case(
        "optional fields of a foreign shape are let be",
        {"pilot_steps": [step("a", inputs={"x": 1}, outputs="y", depends_on=None, branches=7, required_tools={})]},
        [],
        accepted=True,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_finds_exactly_what_is_wrong(case: Case) -> None:
    """Every case gives its findings in order, and is accepted or rejected."""
    findings = validate_workflow(case.data, case.services)

    assert [(finding.path, finding.code) for finding in findings] == case.findings
    assert accepted(findings) is case.accepted


def test_schema_and_semantic_findings_are_told_apart() -> None:
    """If the schema is not met, semantics are not checked."""
    broken = validate_workflow({"pilot_steps": [step("a", depends_on=["z"]), {"id": "b"}]}, [])
    senseless = validate_workflow({"pilot_steps": [step("a", depends_on=["z"])]}, [])

    assert {finding.finding_class for finding in broken} == {"schema"}
    assert {finding.finding_class for finding in senseless} == {"semantic"}


FIELDS = (
    "pilot_steps",
    "id",
    "operation",
    "step_type",
    "inputs",
    "outputs",
    "from_step",
    "depends_on",
    "branches",
    "next",
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(anything)
def test_never_raises(data: object) -> None:
    """Whatever the input, the answer is a tuple of findings."""
    assert isinstance(validate_workflow(data, ["Slack"]), tuple)


@given(
    st.lists(st.fixed_dictionaries({"id": st.sampled_from("abcde"), "depends_on": st.lists(st.sampled_from("abcde"))}))
)
def test_an_accepted_workflow_has_an_order(steps: list[dict[str, Any]]) -> None:
    """If the references are accepted, the steps can be ordered so that each comes after the steps it needs."""
    whole = [step(item["id"], depends_on=item["depends_on"]) for item in steps]
    if not accepted(validate_workflow({"pilot_steps": whole}, [])):
        return
    done: set[str] = set()
    for _ in whole:
        done |= {item["id"] for item in whole if set(item["depends_on"]) <= done}

    assert done == {item["id"] for item in whole}


@pytest.mark.parametrize(
    ("connected", "written"),
    [
        ("google-mail", "Google Mail"),
        ("google-mail", "google\u00a0mail"),
        ("google_mail", "G O O G L E mail"),
        ("Caf\u00e9", "CAFE\u0301"),
        ("Cafe\u0301", "caf\u00e9"),
        ("Monday.com", "monday com"),
        ("Stra\u00dfe", "STRASSE"),
        ("Slack\u200b", "slack"),
        ("---", "---"),
    ],
)
def test_a_service_may_be_spelled_otherwise(connected: str, written: str) -> None:
    """Case, spaces, dashes and Unicode composition do not make it another service."""
    workflow = {"pilot_steps": [step("a", service=written, required_tools=[written])]}

    assert validate_workflow(workflow, [connected]) == ()


def test_other_names_are_other_services() -> None:
    """A name that differs in a letter or a sign is not connected."""
    codes = [
        finding.code
        for name, connected in (("C++", "C"), ("Gmail", "Google Mail"), ("Box 2", "Box"), ("--", "---"))
        for finding in validate_workflow({"pilot_steps": [step("a", service=name)]}, [connected])
    ]

    assert codes == ["service_not_connected"] * 4
