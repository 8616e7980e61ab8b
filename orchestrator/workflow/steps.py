"""The parts of a workflow: its steps as the model sends them, and the findings about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Step = dict[str, Any]
"""A step as the model wrote it; unknown extra fields of a foreign workflow are kept."""

STEP_TYPES = {
    "api_call": "reads from or acts on a service",
    "llm_decision": "judges, writes or classifies",
    "transform": "reshapes, filters or combines data without judgement",
    "conditional": "chooses what runs next",
}
"""Each type of step with its meaning, as models are told it: to add one, add it here and raise PROMPT_VERSION."""

STEPS_KEY = "pilot_steps"
STEPS_KEY_ALIAS = "workflow_steps"

MIN_STEPS = 1
MAX_STEPS = 50

FindingClass = Literal["schema", "semantic"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that validation found.

    Attributes:
        path: JSON path from the root, such as `$.pilot_steps[2].id`.
        code: stable name of the rule.
        message: one sentence for users. It may quote the model's text: never put it into a log or an event.
        finding_class: `schema` for the structure, `semantic` for the meaning.
        rejects: whether the answer is rejected for it; otherwise it is a warning that accompanies the result.
    """

    path: str
    code: str
    message: str
    finding_class: FindingClass
    rejects: bool

    @property
    def severity(self) -> str:
        """`error` if the answer is rejected for it, otherwise `warning`."""
        return "error" if self.rejects else "warning"

    def as_event(self) -> dict[str, str]:
        """The part allowed in the audit log: path and code, never text."""
        return {"path": self.path, "code": self.code}

    def as_json(self) -> dict[str, Any]:
        """All fields, for results and the `workflows` table."""
        return self.as_event() | {
            "message": self.message,
            "class": self.finding_class,
            "severity": self.severity,
        }


def schema_finding(path: str, code: str, message: str) -> Finding:
    """A schema failure; it always rejects the answer."""
    return Finding(path, code, message, "schema", rejects=True)
