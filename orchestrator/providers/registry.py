"""The providers, each a row here and a module next to this one.

To add a provider: its module with a class of the protocol in `provider.py`, a row here, its models in
`orchestrator.models.catalogue`, and its wire protocol in `orchestrator.simulator.wire`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import httpx2

from orchestrator.models.catalogue import ProviderName
from orchestrator.providers import anthropic, openai
from orchestrator.providers.provider import Provider


class MakeProvider(Protocol):
    """A provider's class."""

    def __call__(
        self, api_key: str, *, base_url: str | None = None, transport: httpx2.AsyncBaseTransport | None = None
    ) -> Provider:
        """A provider that sends requests with this key, to its public URL by default."""


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """A provider and the environment variables that configure it.

    Attributes:
        public_url: where requests go without a base URL.
        example_url: the format of a base URL, to which the SDK appends the rest of the path.
        wrong_path: paths that a base URL must not have, because the SDK appends them.
    """

    make: MakeProvider
    key_variable: str
    base_url_variable: str
    public_url: str
    example_url: str
    wrong_path: re.Pattern[str]


PROVIDERS: dict[ProviderName, ProviderEntry] = {
    "openai": ProviderEntry(
        openai.OpenAI,
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        public_url=openai.PUBLIC_URL,
        example_url="https://api.example.com/v1",
        wrong_path=re.compile(r"(/v1/v1|/chat|/completions|/responses)/?$|//$", re.IGNORECASE),
    ),
    "anthropic": ProviderEntry(
        anthropic.Anthropic,
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        public_url=anthropic.PUBLIC_URL,
        example_url="https://api.example.com",
        wrong_path=re.compile(r"(/v1|/messages)/?$|//$", re.IGNORECASE),
    ),
}
