"""What colours and names mean: one home, so that a model looks the same on every page."""

from __future__ import annotations

from typing import Literal

from orchestrator.models.catalogue import CATALOGUE
from orchestrator.settings import DEFAULTS, FALLBACK_KEY, PRIMARY_KEY
from pages.parts.words import charted

# Okabe and Ito's set, which colour-blind eyes can tell apart, without its black and its yellow.
_MODELS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
GREY = "#8a8f98"
"""For what belongs to no model, or to none that is known: totals, targets, changes."""

GAIN = "#6f86b5"
"""For money that was not spent."""

REASON_LABELS = {
    "validation_failed": "Answer refused",
    "api_error": "API error",
    "timeout": "Timeout",
    "rate_limit": "Rate limit",
}
REASON_COLOURS = {
    "validation_failed": "#5d6b80",
    "api_error": "#9a7fc4",
    "timeout": "#8a5a2b",
    "rate_limit": "#8e9a3a",
}
"""No model's; each at least 3:1 against both backgrounds, neighbours apart in lightness too."""

FALLBACK = "#7a869a"
"""For fallbacks of whatever reason."""

RUN_STATUS: dict[str, tuple[str, str, Literal["blue", "green", "red", "gray", "orange"]]] = {
    "running": ("Running", ":material/progress_activity:", "blue"),
    "succeeded": ("Succeeded", ":material/check_circle:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Cancelled", ":material/cancel:", "gray"),
    "interrupted": ("Interrupted", ":material/power_off:", "orange"),
}
"""How a run stands: in words, as an icon, its colour."""

OUTCOME_LABELS = REASON_LABELS | {"succeeded": "Answer used", "cancelled": "Cancelled"}


# The models that the console starts with take blue and vermilion, the others what comes next.
_COLOURS = dict(
    zip(dict.fromkeys([str(DEFAULTS[PRIMARY_KEY]), str(DEFAULTS[FALLBACK_KEY]), *CATALOGUE]), _MODELS, strict=False)
)


def colour(model: str | None) -> str:
    """A model's colour, grey for one that the catalogue does not know."""
    return _COLOURS.get(model or "", GREY)


def place(model: str | None) -> tuple[int, str]:
    """Where a model stands in every legend: in the order of the colours, unknown ones last."""
    known = list(_COLOURS)
    return (known.index(model), "") if model in known else (len(known), str(model))


def label(model: str | None) -> str:
    """A model's name for people: as in the catalogue, or as the event has it."""
    if model is None:
        return "Unknown model"
    return CATALOGUE[model].label if model in CATALOGUE else model


def mark(model: str | None) -> str:
    """That name on a chart, which would take tags and templates in it for its own."""
    return charted(label(model))
