"""One request to one model: its outcome and its cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from orchestrator.models.tokens import Tokens
from orchestrator.workflow.reply import CheckedReply
from orchestrator.workflow.steps import FindingClass

FallbackReason = Literal["validation_failed", "api_error", "timeout", "rate_limit"]
Outcome = Literal["succeeded", "cancelled"] | FallbackReason


@dataclass(frozen=True, slots=True)
class Attempt:
    """Exactly one HTTP request to a generation endpoint.

    Attributes:
        model: logical name, as configured.
        api_model: the id on the wire; differs once the model behind the name is retired.
        outcome: `succeeded`, one of the four reasons to ask another model, or `cancelled`.
        detail: a short fixed phrase or a provider's error code; never a user's or a model's text.
        tokens: always known: zero after an HTTP error, estimated for a reply that was cut off.
        tokens_estimated: whether the counts are estimates rather than the provider's.
        cost_usd: at the list price of that time; None if the price is unknown.
        duration_ms: from sending the request to the last byte read.
        rejected_for: the class of findings that rejected the reply, schema before semantic; None for any other outcome.
        finding_codes: the rules that rejected the reply, without duplicates.
        service_tier: the tier whose prices apply; None if the provider did not name one.
    """

    model: str
    api_model: str
    outcome: Outcome
    detail: str
    tokens: Tokens
    tokens_estimated: bool
    cost_usd: Decimal | None
    duration_ms: int
    rejected_for: FindingClass | None = None
    finding_codes: tuple[str, ...] = ()
    service_tier: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All fields, for results, events and the `workflows` table; the tier only if the provider named one."""
        return {
            "model": self.model,
            "api_model": self.api_model,
            "outcome": self.outcome,
            "detail": self.detail,
            "tokens": self.tokens.as_detail(),
            "tokens_estimated": self.tokens_estimated,
            "cost_usd": self.cost_usd,
            "duration_ms": self.duration_ms,
            "rejected_for": self.rejected_for,
            "finding_codes": self.finding_codes,
        } | ({"service_tier": self.service_tier} if self.service_tier else {})


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """An attempt with what its reply held.

    Attributes:
        reply: steps and findings; both empty if there was no complete reply.
        rejected_output: the text of a complete reply that was rejected, else None.
    """

    attempt: Attempt
    reply: CheckedReply
    rejected_output: str | None
