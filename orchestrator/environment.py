"""The model configuration from the environment: keys, base URLs, time limits, simulation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from orchestrator.errors import InvalidSettings
from orchestrator.generation.generation import Limits
from store import is_simulated, secret_key


@dataclass(frozen=True, slots=True)
class ModelConfiguration:
    """Which providers can be reached, and how.

    Attributes:
        offline: whether both are simulated: on request, or because no key is set.
        offline_speed: factor on simulated delays; 1 is as slow as a real model, 0 replies at once.
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
            InvalidSettings: a number or a base URL is malformed.
            InvalidInput: a boolean or a key is malformed.
        """
        return cls(
            openai_key=secret_key(environment, "OPENAI_API_KEY"),
            anthropic_key=secret_key(environment, "ANTHROPIC_API_KEY"),
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


@dataclass(frozen=True, slots=True)
class _Base:
    """The format of an SDK's base URL, to which the SDK appends the rest of the path."""

    example: str
    never: re.Pattern[str]


_BASES = {
    "OPENAI_BASE_URL": _Base(
        "https://api.example.com/v1", re.compile(r"(/v1/v1|/chat|/completions|/responses)/?$|//$", re.IGNORECASE)
    ),
    "ANTHROPIC_BASE_URL": _Base("https://api.example.com", re.compile(r"(/v1|/messages)/?$|//$", re.IGNORECASE)),
}
_LARGEST_PORT = 65_535


def _address(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name, "").strip()
    if not value:
        return None
    base = _BASES[name]
    try:
        url = httpx2.URL(value)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    is_one = url.scheme in ("http", "https") and url.host and (url.port or 0) <= _LARGEST_PORT and value.isascii()
    if not is_one or url.query or url.fragment or url.userinfo or base.never.search(url.path):
        # Not quoted: a URL may contain a password.
        raise InvalidSettings(f"{name} must be a base URL such as {base.example}; the SDK appends the path.")
    if url.host == "api.openai.com" and url.path in ("", "/"):
        raise InvalidSettings(f"{name} must end in /v1.")
    return value


def _number(environment: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    try:
        value = float(environment.get(name, default))
    except ValueError:
        value = math.nan
    if not least <= value <= 86_400:
        raise InvalidSettings(f"{name} must be a number from {least:g} to 86400.")
    return value
