"""A rejected reply with each finding at its place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_MARK = "   ◀ "
_LONGEST = 40_000


def annotated(text: str, findings: Sequence[Mapping[str, Any]]) -> str:
    """The reply, one value per line, with the findings beside the lines that they refer to.

    A reply that is not JSON, or too long to lay out, is unchanged, with the findings on top.

    Args:
        findings: each with a JSON `path` from `$` and a `message`.
    """
    notes: dict[str, list[str]] = {}
    for finding in findings:
        notes.setdefault(str(finding.get("path", "$")), []).append(str(finding.get("message", "")))
    try:
        data = json.loads(text) if len(text) <= _LONGEST else None
        lines = None if data is None else list(_lines(data, "$", "", "", notes))
    except (ValueError, RecursionError):
        lines = None
    if lines is None:
        lines = [text]
    # Findings at paths that do not exist go on top.
    left = [f"{_MARK.strip()} {path}: {message}" for path, messages in notes.items() for message in messages]
    return "\n".join([*left, *lines])


def _lines(value: Any, path: str, lead: str, tail: str, notes: dict[str, list[str]]) -> list[str]:
    indent = " " * (len(lead) - len(lead.lstrip()))
    if isinstance(value, dict) and value:
        opened, closed = "{", "}"
        inner = [(f"{path}.{key}", f"{indent}  {json.dumps(key)}: ", child) for key, child in value.items()]
    elif isinstance(value, list) and value:
        opened, closed = "[", "]"
        inner = [(f"{path}[{place}]", f"{indent}  ", child) for place, child in enumerate(value)]
    else:
        return [lead + json.dumps(value, ensure_ascii=False) + tail + _said(notes, path)]
    lines = [lead + opened + _said(notes, path)]
    for number, (inner_path, inner_lead, child) in enumerate(inner, start=1):
        lines += _lines(child, inner_path, inner_lead, "," if number < len(inner) else "", notes)
    # Findings about missing fields belong to their parent.
    absent = [name for name in notes if name.startswith(f"{path}.") and "." not in name[len(path) + 1 :]]
    lines += [f"{indent}  {_said(notes, name).strip()}" for name in absent]
    return [*lines, indent + closed + tail]


def _said(notes: dict[str, list[str]], path: str) -> str:
    return "".join(_MARK + message for message in notes.pop(path, ()))
