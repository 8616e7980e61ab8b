"""What the environment says about models: keys, addresses, limits, simulation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from orchestrator.errors import InvalidSettings
from orchestrator.generation import Limits
from store import is_simulated, model_key


@dataclass(frozen=True, slots=True)
class ModelConfiguration:
    """Which providers can be reached, and how.

    Attributes:
        offline: whether both are simulated: on request, or since there is no key at all.
        offline_speed: factor on simulated delays; 1 is like a model, 0 at once.
    """

    openai_key: str | None = field(default=None, repr=False)
    anthropic_key: str | None = field(default=None, repr=False)
    openai_base_url: str | None = None
    anthropic_base_url: str | None = None
    offline: bool = True
    offline_speed: float = 1.0
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ModelConfiguration:
        """The configuration that these variables describe.

        Raises:
            InvalidSettings: a number or an address is none.
            InvalidInput: a truth is none.
        """
        return cls(
            openai_key=model_key(environment, "OPENAI_API_KEY"),
            anthropic_key=model_key(environment, "ANTHROPIC_API_KEY"),
            openai_base_url=_address(environment, "OPENAI_BASE_URL"),
            anthropic_base_url=_address(environment, "ANTHROPIC_BASE_URL"),
            offline=is_simulated(environment),
            offline_speed=_number(environment, "ORCHESTRATOR_OFFLINE_SPEED", 1.0, least=0.0),
            limits=Limits(
                attempt_s=_number(environment, "ORCHESTRATOR_ATTEMPT_TIMEOUT_S", Limits().attempt_s, least=0.001),
                last_attempt_s=_number(
                    environment, "ORCHESTRATOR_LAST_ATTEMPT_TIMEOUT_S", Limits().last_attempt_s, least=0.001
                ),
            ),
        )


def _address(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name)
    if value is None:
        return None
    try:
        understood = httpx2.URL(value)
    except httpx2.InvalidURL:
        understood = httpx2.URL()
    if understood.scheme not in ("http", "https") or not understood.host:
        # Not quoted: an address may hold a password.
        raise InvalidSettings(f"{name} must be an address such as https://api.example.com/v1.")
    return value


def _number(environment: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    try:
        value = float(environment.get(name, default))
    except ValueError:
        value = math.nan
    if not least <= value <= 86_400:
        raise InvalidSettings(f"{name} must be a number of at least {least:g} and at most 86400.")
    return value
