"""The result of a successful generation."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from orchestrator.attempt import Attempt, FallbackReason
from orchestrator.models.money import known_cost, plain, unpriced
from orchestrator.models.tokens import Tokens
from orchestrator.workflow.steps import Finding, Step


@dataclass(frozen=True, slots=True)
class WorkflowGenerationResult:
    """A validated workflow and the attempts, time, tokens and cost behind it.

    Attributes:
        pilot_steps: 1-50 steps.
        generator_used: logical name of the model that answered; `api_model` is the id actually called.
        generation_time_ms: from the first request to the accepted answer and the end of the last attempt.
        tokens: those of the accepted answer only.
        fallback_reason: why the first model's answer was not used; None if it was.
        findings: warnings about the accepted workflow.
        baseline_cost_usd: the accepted answer's tokens at the baseline model's price; None if unknown.
    """

    pilot_steps: tuple[Step, ...]
    generator_used: str
    validation_passed: bool
    generation_time_ms: int
    tokens: Tokens
    fallback_reason: FallbackReason | None
    generation_id: UUID
    agent_id: str
    api_model: str
    attempts: tuple[Attempt, ...]
    baseline_cost_usd: Decimal | None
    findings: tuple[Finding, ...]
    config_version: int
    prompt_version: int
    simulated: bool

    @property
    def tokens_used(self) -> dict[str, int]:
        """Input, output and total tokens of the accepted answer."""
        return self.tokens.as_used()

    @property
    def cost_usd(self) -> Decimal:
        """The cost of all attempts; only of those with a known price if `unpriced_attempts` is not 0."""
        return known_cost(self.attempts)

    @property
    def wasted_attempts(self) -> tuple[Attempt, ...]:
        """The attempts whose answer was not used."""
        return tuple(attempt for attempt in self.attempts if attempt.outcome != "succeeded")

    @property
    def wasted_cost_usd(self) -> Decimal:
        """The part of `cost_usd` spent on attempts whose answer was not used."""
        return known_cost(self.wasted_attempts)

    @property
    def tokens_wasted(self) -> dict[str, int]:
        """Input, output and total tokens of the attempts whose answer was not used."""
        return sum((attempt.tokens for attempt in self.wasted_attempts), Tokens()).as_used()

    @property
    def unpriced_attempts(self) -> int:
        """The number of attempts without a known price."""
        return unpriced(self.attempts)

    @property
    def savings_usd(self) -> Decimal | None:
        """Baseline minus cost, negative if wasted cost exceeds the savings; None if either is unknown."""
        if self.baseline_cost_usd is None or self.unpriced_attempts:
            return None
        return plain(self.baseline_cost_usd - self.cost_usd)

    @property
    def savings_pct(self) -> Decimal | None:
        """Savings as a percentage of the baseline; None if unknown or if the baseline is 0."""
        saved, baseline = self.savings_usd, self.baseline_cost_usd
        return 100 * saved / baseline if saved is not None and baseline else None

    def as_json(self) -> dict[str, Any]:
        """All fields and derived figures, with money as Decimal."""
        return {
            "pilot_steps": list(self.pilot_steps),
            "generator_used": self.generator_used,
            "validation_passed": self.validation_passed,
            "generation_time_ms": self.generation_time_ms,
            "tokens_used": self.tokens_used,
            "cost_usd": self.cost_usd,
            "fallback_reason": self.fallback_reason,
            "generation_id": self.generation_id,
            "agent_id": self.agent_id,
            "api_model": self.api_model,
            "attempts": [attempt.as_json() for attempt in self.attempts],
            "unpriced_attempts": self.unpriced_attempts,
            "wasted_cost_usd": self.wasted_cost_usd,
            "tokens_wasted": self.tokens_wasted,
            "baseline_cost_usd": self.baseline_cost_usd,
            "savings_usd": self.savings_usd,
            "findings": [finding.as_json() for finding in self.findings],
            "config_version": self.config_version,
            "prompt_version": self.prompt_version,
            "simulated": self.simulated,
        }
