"""The seam to a model provider: a request in, a stream of three kinds of events out, one kind of error.

To add a provider: a module beside this one with a class of this protocol, its name in `orchestrator.models.catalogue`,
and its key in `store.environment`, `configuration`, `lineup` and `bootstrap`.
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
    """What a model is asked.

    Attributes:
        model: the model that answers; its `api_model` goes on the wire.
        schema: JSON schema of the answer.
        limit_s: when the caller gives up; the SDK's own limits lie beyond it.
        headers: extra HTTP headers, for the simulator's instructions.
    """

    model: Model
    system: str
    user: str
    schema: dict[str, Any]
    limit_s: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def sdk_limit_s(self) -> float:
        """When the SDK gives up: later than our own clock, which is to tell."""
        return self.limit_s + _SDK_SLACK_S

    def estimated_input(self) -> int:
        """About how many tokens the model reads, for when the provider does not say."""
        return estimate(self.system) + estimate(self.user) + estimate(str(self.schema))


@dataclass(frozen=True, slots=True)
class Usage:
    """What the provider has told of its counts so far.

    Attributes:
        input: everything that the model read, the cached parts included; None while that is unknown.
        output: everything that it wrote; None while that is unknown.
        final: whether nothing can be added to them.
        service_tier: at whose prices the reply is billed; None where the provider does not say.
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

        No request has nothing to read, and no text was written with nothing: there 0 means that nobody knows.

        Args:
            estimated_input: about what the model read.
            written: about what the text that arrived takes, 0 where none did.
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
    """The provider says that the reply is complete; `finding` when its reason alone refuses the reply."""

    finding: Finding | None = None


ReplyEvent = str | Usage | Ending


class ProviderError(Exception):
    """The provider gave no complete reply.

    Attributes:
        reason: why another model may be asked.
        detail: a short phrase or the provider's error code, safe to log.
        answered: whether a reply had begun, so that tokens may have been spent.
    """

    def __init__(self, reason: FallbackReason, detail: str, *, answered: bool) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.answered = answered


class Provider(Protocol):
    """One company's API."""

    def warm(self) -> None:
        """Import the SDK and make the client, which takes a second the first time; from any thread."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyEvent]:
        """Send one HTTP request, never a second one, and yield the reply as it arrives.

        Raises:
            ProviderError: for anything that goes wrong.
        """

    async def aclose(self) -> None:
        """Close every connection."""


def named_tier(value: object) -> str | None:
    """A service tier as a provider words it; None where it says none, or something that is no name."""
    return value if isinstance(value, str) and _TIER.fullmatch(value) else None


def truncated() -> Ending:
    """The model ran out of room."""
    return Ending(schema_finding("$", "reply_truncated", "The answer was cut off at the model's length limit."))


def refused() -> Ending:
    """The model or a content filter declined."""
    return Ending(schema_finding("$", "reply_refused", "The model declined to answer."))


def stopped_otherwise() -> Ending:
    """The model stopped for a reason that has no place here, such as a tool call."""
    return Ending(schema_finding("$", "reply_stopped", "The model stopped without finishing its answer."))
