"""The seam to a model provider: a request in, a stream of three kinds of events out, one kind of error.

To add a provider: a module beside this one with a class of this protocol, its name in `orchestrator.models`,
and its key in `store.environment`, `configuration`, `lineup` and `bootstrap`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from orchestrator.attempt import FallbackReason
from orchestrator.models import Model
from orchestrator.tokens import Tokens, estimate
from orchestrator.workflow import Finding, schema_finding

_SDK_SLACK_S = 5


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
    """Token counts so far; `final` when nothing can be added to them."""

    tokens: Tokens
    final: bool


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
        answered: whether a response had begun, so that tokens may have been spent.
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

    def stream(self, request: ModelRequest) -> AsyncIterator[ReplyEvent]:
        """Send one HTTP request, never a second one, and yield the reply as it arrives.

        Raises:
            ProviderError: for anything that goes wrong.
        """

    async def aclose(self) -> None:
        """Close every connection."""


def truncated() -> Ending:
    """The model ran out of room."""
    return Ending(schema_finding("$", "reply_truncated", "The answer was cut off at the model's length limit."))


def refused() -> Ending:
    """The model or a content filter declined."""
    return Ending(schema_finding("$", "reply_refused", "The model declined to answer."))


def stopped_otherwise() -> Ending:
    """The model stopped for a reason that has no place here, such as a tool call."""
    return Ending(schema_finding("$", "reply_stopped", "The model stopped without finishing its answer."))
