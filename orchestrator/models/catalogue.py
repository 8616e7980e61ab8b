"""The catalogue: the models, their providers, and their successors after retirement.

To add a model, add an entry here and its row in `model_prices` (a migration).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from orchestrator.errors import InvalidSettings

ProviderName = Literal["openai", "anthropic"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model under its logical name, which settings, events and charts use.

    Attributes:
        name: logical name; stays the same when the provider retires the dated id behind it.
        label: display name.
        provider: the provider whose API is called.
        api_model: the id on the wire.
        retires_on: first day on which calls fail (UTC); None if no date is announced.
        successor: logical name of the model of the same family that answers from then on.
        max_output_tokens: enough for 50 steps, and within the model's limit.
        temperature: None for models without this parameter.
        reasoning_effort: None for models that do not reason.
    """

    name: str
    label: str
    provider: ProviderName
    api_model: str
    retires_on: date | None = None
    successor: str | None = None
    max_output_tokens: int = 16_000
    temperature: float | None = None
    reasoning_effort: Literal["none", "low"] | None = None


CATALOGUE: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "gpt-4o-mini",
            "GPT-4o mini",
            "openai",
            "gpt-4o-mini",
            retires_on=date(2027, 1, 14),
            successor="gpt-6-luna",
            temperature=0.3,
        ),
        Model("gpt-6-luna", "GPT-6 Luna", "openai", "gpt-6-luna", reasoning_effort="none"),
        Model(
            "claude-sonnet-4",
            "Claude Sonnet 4",
            "anthropic",
            "claude-sonnet-4-20250514",
            retires_on=date(2026, 6, 15),
            successor="claude-sonnet-4-6",
        ),
        Model("claude-sonnet-4-6", "Claude Sonnet 4.6", "anthropic", "claude-sonnet-4-6"),
    )
}

BASELINE = CATALOGUE["claude-sonnet-4"]
"""The model that savings are measured against, whatever the settings say."""


def named(name: str) -> Model:
    """The model with this logical name.

    Raises:
        InvalidSettings: there is no such model.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        raise InvalidSettings(
            f"Unknown model {name[:60]!r}; the models are {', '.join(sorted(CATALOGUE))}. "
            "Change orchestrator_primary_model or orchestrator_fallback_model."
        ) from None


def counterpart(model: Model) -> Model:
    """The fallback for a primary model: the first model in the catalogue from another provider."""
    return next(other for other in CATALOGUE.values() if other.provider != model.provider)


def same_answers(one: str, other: str, on: date) -> bool:
    """Whether two logical names lead to the same model on a day, because they are equal or one succeeds the other.

    Raises:
        InvalidSettings: one of them and all its successors are retired.
    """
    if one == other or one not in CATALOGUE or other not in CATALOGUE:
        return one == other
    return answering(CATALOGUE[one], on) == answering(CATALOGUE[other], on)


def answering(model: Model, on: date) -> Model:
    """The model whose id is actually called on a day: `model` itself, or its first successor that is not retired.

    Raises:
        InvalidSettings: it and all its successors are retired.
    """
    candidate: Model | None = model
    while candidate and candidate.retires_on and on >= candidate.retires_on:
        candidate = CATALOGUE.get(candidate.successor or "")
    if candidate is None:
        raise InvalidSettings(
            f"{model.label} was retired on {model.retires_on} and has no successor; choose another model."
        )
    return candidate
