"""Colours and labels in one place, so that a model looks the same on every page."""

from __future__ import annotations

import itertools
from typing import Literal

from orchestrator.models.catalogue import CATALOGUE
from orchestrator.system_keys import FALLBACK, PRIMARY
from pages.parts.words import charted

# Okabe and Ito's colour-blind-safe set, without its black and its yellow.
_HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
# More models than hues: darker, then lighter ones.
_SHADES = (("#000000", 0.0), ("#000000", 0.4), ("#ffffff", 0.45))
GREY = "#8a8f98"
"""For everything without a known model: totals, targets, changes."""

GAIN = "#6f86b5"
"""For savings."""

REASON_LABELS = {
    "validation_failed": "Validation failed",
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
"""Not used for any model; each at least 3:1 against both backgrounds, neighbours distinct in lightness too."""

FALLBACK_COLOUR = "#7a869a"
"""For fallbacks of any reason."""

GENERATION_STATUS: dict[str, tuple[str, str, Literal["blue", "green", "red", "gray", "orange"]]] = {
    "running": ("Running", ":material/progress_activity:", "blue"),
    "succeeded": ("Completed", ":material/check_circle:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Cancelled", ":material/cancel:", "gray"),
    "interrupted": ("Interrupted", ":material/power_off:", "orange"),
}
"""Each status of a generation in words, with its icon and its colour."""

OUTCOME_LABELS = REASON_LABELS | {"succeeded": "Succeeded", "cancelled": "Cancelled"}


def _mixed(hue: str, other: str, share: float) -> str:
    """A colour with a share of another one in it."""
    channels = (
        round(int(hue[at : at + 2], 16) * (1 - share) + int(other[at : at + 2], 16) * share) for at in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)


MODEL_COLOURS = tuple(_mixed(hue, *shade) for shade in _SHADES for hue in _HUES)
"""The colours of models in the order in which they are given out; as many models as colours can be told apart."""

# The default models take blue and vermilion, the others the colours that follow.
_COLOURS = dict(
    zip(
        dict.fromkeys([str(PRIMARY.default), str(FALLBACK.default), *CATALOGUE]),
        itertools.cycle(MODEL_COLOURS),
        strict=False,
    )
)


def service_colour(place: int) -> str:
    """The colour of a service in a drawing, by its place among the services there."""
    return MODEL_COLOURS[place % len(MODEL_COLOURS)]


def colour(model: str | None) -> str:
    """A model's colour; grey for one that is not in the catalogue."""
    return _COLOURS.get(model or "", GREY)


def place(model: str | None) -> tuple[int, str]:
    """A model's place in every legend: in the order of the colours, unknown ones last."""
    known = list(_COLOURS)
    return (known.index(model), "") if model in known else (len(known), str(model))


def label(model: str | None) -> str:
    """A model's display name: from the catalogue, or as the event has it."""
    if model is None:
        return "Unknown model"
    return CATALOGUE[model].label if model in CATALOGUE else model


def mark(model: str | None) -> str:
    """The display name on a chart, with tags and templates in it escaped."""
    return charted(label(model))
