"""The models to ask for one generation, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from orchestrator.errors import ModelNotConfigured
from orchestrator.models.catalogue import Model, ProviderName, answering, named
from orchestrator.providers import Provider
from orchestrator.providers.registry import PROVIDERS
from orchestrator.system_keys import OrchestratorSettings


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that may be asked.

    Attributes:
        model: as configured.
        answering: the model whose id is sent: `model`, or its successor once it is retired.
    """

    model: Model
    answering: Model
    provider: Provider


@dataclass(frozen=True, slots=True)
class Overrides:
    """Other models for one generation only; None keeps the value from the settings."""

    primary: str | None = None
    fallback: str | None = None
    fallback_enabled: bool | None = None

    def applied(self, settings: OrchestratorSettings) -> OrchestratorSettings:
        """The settings with these overrides applied."""
        enabled = self.fallback_enabled
        return replace(
            settings,
            primary=self.primary or settings.primary,
            fallback=self.fallback or settings.fallback,
            fallback_enabled=settings.fallback_enabled if enabled is None else enabled,
        )


def missing_key(model: Model, providers: Mapping[ProviderName, Provider]) -> str | None:
    """The environment variable that is missing to ask a model; None if it can be asked."""
    return None if model.provider in providers else PROVIDERS[model.provider].key_variable


def line_up(
    settings: OrchestratorSettings, providers: Mapping[ProviderName, Provider], on: date
) -> tuple[Contender, ...]:
    """The primary model, and the fallback if it is enabled, has an API key and is a different model.

    Raises:
        InvalidSettings: a model that would be asked is unknown, or retired without a successor.
        ModelNotConfigured: the primary's provider has no API key.
    """
    primary = named(settings.primary)
    if key := missing_key(primary, providers):
        raise ModelNotConfigured(
            f"{primary.label} is the primary model, but {key} is not set; set it, or choose another primary model."
        )
    first = Contender(primary, answering(primary, on), providers[primary.provider])
    if not settings.has_second(on):
        return (first,)
    fallback = named(settings.fallback)
    second = answering(fallback, on)
    if missing_key(fallback, providers):
        return (first,)
    return (first, Contender(fallback, second, providers[fallback.provider]))
