"""The prompt and its version."""

from __future__ import annotations

import hashlib
import json

from orchestrator.generation.prompts import PROMPT_VERSION, SYSTEM_PROMPT
from orchestrator.workflow.schema import workflow_schema

RELEASED = {1: "a43f12740ebf26c1"}
"""The digest of prompt and schema of each version. A change of either is a new version with its own line."""


def test_a_change_of_prompt_or_schema_is_a_new_version() -> None:
    """Figures are compared by prompt version, so one version must always mean the same words."""
    words = SYSTEM_PROMPT + json.dumps(workflow_schema(), sort_keys=True)

    assert RELEASED[PROMPT_VERSION] == hashlib.sha256(words.encode()).hexdigest()[:16]
