"""Events in words."""

from __future__ import annotations

SEVERITY_LABELS = {"info": "Info", "warning": "Warning", "critical": "Critical"}
SEVERITY_COLOURS = {"info": "gray", "warning": "orange", "critical": "red"}


def action_label(action: str) -> str:
    """An action as a heading: `Workflow generated`."""
    return action.replace("_", " ").capitalize().replace("Api ", "API ")
