"""The schema of a model's answer: one JSON schema within the strict subset of both providers.

Every object is closed and requires all its properties, optional ones being nullable. There is no free-form object,
which OpenAI's strict mode refuses, and no limit on the number of items, which Anthropic refuses: validation checks it.
"""

from __future__ import annotations

from typing import Any

from orchestrator.workflow.steps import STEP_TYPES, STEPS_KEY

Schema = dict[str, Any]

NAME = "workflow"


def _object(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Schema, description: str) -> Schema:
    return {"type": "array", "items": items, "description": description}


_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def _binding() -> Schema:
    return _object({"name": _TEXT, "from_step": _TEXT_OR_NULL, "value": _TEXT_OR_NULL})


def workflow_schema() -> Schema:
    """A new copy of the schema of a complete answer."""
    step = _object(
        {
            "id": {"type": "string", "description": "Unique, such as step_1."},
            "operation": {"type": "string", "description": "What this step does, in a few words."},
            "step_type": {"type": "string", "enum": list(STEP_TYPES)},
            "service": _TEXT_OR_NULL | {"description": "Exact name of a connected service, for api_call only."},
            "inputs": _list(_binding(), "What it reads: from_step is the id of an earlier step, or null."),
            "outputs": _list(_binding(), "What it gives to later steps."),
            "depends_on": _list(_TEXT, "Ids of the steps that must be done before."),
            "branches": _list(
                _object({"when": _TEXT, "next": _TEXT}),
                "For conditional only: the condition and the id of the step that follows.",
            ),
            "required_tools": _list(_TEXT, "Connected services that it needs."),
        }
    )
    return _object({STEPS_KEY: _list(step, "1 to 50 steps in the order in which they run.")})
