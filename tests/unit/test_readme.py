"""The tables of the README follow the program."""

from __future__ import annotations

import json
from typing import get_args

from orchestrator.recording.audit import Action
from orchestrator.system_keys import SYSTEM_KEYS
from store.environment import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_each_system_key_is_listed_with_its_default() -> None:
    """A key that is added is described."""
    rows = [f"| `{key.name}` | `{json.dumps(key.default).strip(chr(34))}` |" for key in SYSTEM_KEYS.values()]

    assert [row for row in rows if row not in README] == []


def test_each_event_of_a_generation_is_listed() -> None:
    """An event that is added is described."""
    assert [action for action in get_args(Action) if f"| `{action}` |" not in README] == []
