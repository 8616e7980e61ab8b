"""What a change is called: at its line on a chart, and as a title."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.system_keys import ENABLE_FALLBACK, FALLBACK, PRIMARY
from pages.parts.palette import label
from pages.parts.system_keys import changes_in_words, pairs
from queries.changes import Change


def short(change: Change) -> str:
    """A few characters for a chart: `Claude first`, `fallback off`, `prompt v2`."""
    if change.prompt_version is not None:
        return f"prompt v{change.prompt_version}"
    return ", ".join(_short(change)) or "settings"


def _short(change: Change) -> Iterator[str]:
    after = {key: values[1] for key, values in pairs(change.keys).items()}
    if PRIMARY.name in after:
        yield f"{_vendor(after[PRIMARY.name])} first"
    if ENABLE_FALLBACK.name in after:
        yield "fallback on" if after[ENABLE_FALLBACK.name] is True else "fallback off"
    elif FALLBACK.name in after and PRIMARY.name not in after:
        yield f"fallback {_vendor(after[FALLBACK.name])}"


def _vendor(model: object) -> str:
    """The first word of a model's name: `Claude Sonnet 4` is `Claude`."""
    return (label(str(model)).split() or ["?"])[0]


def title(change: Change) -> str:
    """The change in a line: `Primary model: GPT-4o mini → Claude Sonnet 4`."""
    if change.prompt_version is not None:
        return f"Prompt version {change.prompt_version} first used"
    return "; ".join(changes_in_words(pairs(change.keys)))
