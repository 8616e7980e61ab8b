"""The interface to a model provider: a request in, a stream of three kinds of events out, one kind of error.

`orchestrator.providers.registry` says how to add a provider.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from orchestrator.attempt import FallbackReason
from orchestrator.models.catalogue import Model
from orchestrator.models.tokens import Tokens, estimate
from orchestrator.workflow.steps import Finding, schema_finding

_SDK_SLACK_S = 5
_TIER = re.compile("[a-z_]{1,20}")


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request to a model.

    Attributes:
        model: the model that answers; its `api_model` goes on the wire.
        schema: JSON schema of the answer.
        limit_s: when the caller gives up, in seconds; the SDK's own limits are longer.
        headers: extra HTTP headers, which carry instructions to the simulator.
    """

    model: Model
    system: str
    user: str
    schema: dict[str, Any]
    limit_s: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def sdk_limit_s(self) -> float:
        """When the SDK gives up: later than our own limit, which is the one that counts."""
        return self.limit_s + _SDK_SLACK_S

    def estimated_input(self) -> int:
        """The approximate number of tokens the model reads, in case the provider does not report it."""
        return estimate(self.system) + estimate(self.user) + estimate(str(self.schema))


@dataclass(frozen=True, slots=True)
class Usage:
    """The provider's token counts so far.

    Attributes:
        input: everything the model read, including the cached parts; None while unknown.
        output: everything the model wrote; None while unknown.
        final: whether the counts are final.
        service_tier: the tier whose prices apply; None if the provider does not name one.
    """

    input: int | None = None
    cached_input: int = 0
    cache_write_input: int = 0
    cache_write_1h_input: int = 0
    output: int | None = None
    final: bool = False
    service_tier: str | None = None

    def tokens(self, *, estimated_input: int, written: int) -> tuple[Tokens, bool]:
        """The tokens, and whether any of them had to be estimated.

        Input is never 0, and neither is the output of a text that arrived: in these places, 0 means unknown.

        Args:
            estimated_input: estimated tokens of the input.
            written: estimated tokens of the text that arrived; 0 if none did.
        """
        read, wrote = self.input or 0, self.output or 0
        counted = self.final and self.output is not None and bool(wrote or not written)
        known_parts = self.cached_input + self.cache_write_input
        tokens = Tokens(
            input=read or max(estimated_input, known_parts),
            cached_input=self.cached_input,
            cache_write_input=self.cache_write_input,
            cache_write_1h_input=self.cache_write_1h_input,
            output=wrote if counted else max(wrote, written),
        )
        return tokens, not (read and counted)


@dataclass(frozen=True, slots=True)
class Ending:
    """The provider marked the reply complete; `finding` is set if the stop reason alone rejects the reply."""

    finding: Finding | None = None


ReplyEvent = str | Usage | Ending


class ProviderError(Exception):
    """The provider returned no complete reply.

    Attributes:
        reason: the reason to ask another model.
        detail: a short phrase or the provider's error code, safe to log.
        answered: whether a reply had begun, so that tokens may have been spent.
    """

    def __init__(self, reason: FallbackReason, detail: str, *, answered: bool) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.answered = answered


class Provider(Protocol):
    """One provider's API."""

    def warm(self) -> None:
        """Import the SDK and create the client, which takes a second the first time; callable from any thread."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyEvent]:
        """Send exactly one HTTP request and yield the reply as it arrives.

        Raises:
            ProviderError: for anything that goes wrong.
        """

    async def aclose(self) -> None:
        """Close every connection."""


def named_tier(value: object) -> str | None:
    """The service tier named by a provider; None if it is missing or not a name."""
    return value if isinstance(value, str) and _TIER.fullmatch(value) else None


def truncated() -> Ending:
    """The ending of a reply that hit the model's length limit."""
    return Ending(schema_finding("$", "reply_truncated", "The answer was cut off at the model's length limit."))


def refused() -> Ending:
    """The ending of a reply that the model or a content filter declined to give."""
    return Ending(schema_finding("$", "reply_refused", "The model declined to answer."))


def stopped_otherwise() -> Ending:
    """The ending of a reply that stopped for an unexpected reason, such as a tool call."""
    return Ending(schema_finding("$", "reply_stopped", "The model stopped without finishing its answer."))
