"""The model configuration from the environment: keys, base URLs, time limits, simulation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from orchestrator.errors import InvalidEnvironment
from orchestrator.generation.generation import Limits
from orchestrator.models.catalogue import ProviderName
from orchestrator.providers.registry import PROVIDERS, ProviderEntry
from store import is_yes, secret_key
from store import read_environment as read_own_environment
from store.environment import PROJECT

_LARGEST_PORT = 65_535
_NO_PATH = ("", "/")


def read_environment(project: Path = PROJECT) -> dict[str, str]:
    """Every variable as text, those of the model providers included.

    Raises:
        InvalidInput: a file cannot be read, is malformed, or has one of our variables in the wrong place.
    """
    entries = PROVIDERS.values()
    variables = {name for entry in entries for name in (entry.key_variable, entry.base_url_variable)}
    return read_own_environment(project, also=variables)


def is_simulated(environment: Mapping[str, str]) -> bool:
    """Whether models are simulated: on request, or because no key is set.

    Raises:
        InvalidInput: ORCHESTRATOR_OFFLINE or a key is malformed.
    """
    return is_yes(environment, "ORCHESTRATOR_OFFLINE") or not _keys(environment)


@dataclass(frozen=True, slots=True)
class ModelConfiguration:
    """Which providers can be reached, and how.

    Attributes:
        keys, base_urls: by provider; only of those that are configured.
        offline: whether all providers are simulated: on request, or because no key is set.
        offline_speed: factor on simulated delays; 1 is as slow as a real model, 0 replies at once.
    """

    keys: Mapping[ProviderName, str] = field(default_factory=dict, repr=False)
    base_urls: Mapping[ProviderName, str] = field(default_factory=dict)
    offline: bool = True
    offline_speed: float = 1.0
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ModelConfiguration:
        """The configuration that these variables describe.

        Raises:
            InvalidEnvironment: a number or a base URL is malformed.
            InvalidInput: a boolean or a key is malformed.
        """
        usual = Limits()
        return cls(
            keys=_keys(environment),
            base_urls={name: url for name, entry in PROVIDERS.items() if (url := _base_url(environment, entry))},
            offline=is_simulated(environment),
            offline_speed=_number(environment, "ORCHESTRATOR_OFFLINE_SPEED", 1.0, least=0.0),
            limits=Limits(
                _number(environment, "ORCHESTRATOR_ATTEMPT_TIMEOUT_S", usual.attempt_s, least=0.001),
                _number(environment, "ORCHESTRATOR_LAST_ATTEMPT_TIMEOUT_S", usual.last_attempt_s, least=0.001),
            ),
        )


def _keys(environment: Mapping[str, str]) -> dict[ProviderName, str]:
    return {name: key for name, entry in PROVIDERS.items() if (key := secret_key(environment, entry.key_variable))}


def _base_url(environment: Mapping[str, str], entry: ProviderEntry) -> str | None:
    name = entry.base_url_variable
    value = environment.get(name, "").strip()
    if not value:
        return None
    try:
        url = httpx2.URL(value)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    is_one = url.scheme in ("http", "https") and url.host and (url.port or 0) <= _LARGEST_PORT and value.isascii()
    if not is_one or url.query or url.fragment or url.userinfo or entry.wrong_path.search(url.path):
        # Not quoted: a URL may contain a password.
        raise InvalidEnvironment(f"{name} must be a base URL such as {entry.example_url}; the SDK appends the path.")
    public = httpx2.URL(entry.public_url)
    if url.host == public.host and url.path in _NO_PATH and public.path not in _NO_PATH:
        raise InvalidEnvironment(f"{name} must end in {public.path}.")
    return value


def _number(environment: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    try:
        value = float(environment.get(name, default))
    except ValueError:
        value = math.nan
    if not least <= value <= 86_400:
        raise InvalidEnvironment(f"{name} must be a number from {least:g} to 86400.")
    return value
