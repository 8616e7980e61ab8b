"""What some ended generations come to together."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from queries.figures import Generations
from queries.rates import Rate

REASONS = ("validation_failed", "api_error", "timeout", "rate_limit")
"""Why a fallback was asked, in the order in which they are shown."""


@dataclass(frozen=True)
class Tally:
    """The sums over rows of any bins, by the definitions of `docs/figures.md`.

    Money is exact. A sum is its known part, with the number of generations that it leaves out beside it; None where
    all of it is unknown.
    """

    rows: tuple[Generations, ...]

    @cached_property
    def _completed(self) -> tuple[Generations, ...]:
        return tuple(row for row in self.rows if row.outcome == "completed")

    @cached_property
    def as_configured(self) -> Tally:
        """Of those alone that targets speak of: without generations with models of their own or a forced failure."""
        return tally(row for row in self.rows if not row.overridden)

    def cheaper_first(self, dear: Collection[str]) -> Tally:
        """Of those alone as configured that did not ask one of these models first."""
        return tally(row for row in self.rows if not row.overridden and row.primary_model not in dear)

    @cached_property
    def fallen_back(self) -> Tally:
        """Of those alone that the fallback answered."""
        return tally(row for row in self._completed if row.fallback_reason)

    @property
    def completed(self) -> int:
        """Generations that gave a workflow."""
        return sum(row.generations for row in self._completed)

    @property
    def failed(self) -> int:
        """Generations in which no model gave one."""
        return self._ended("failed")

    @property
    def cancelled(self) -> int:
        """Generations that were stopped, or whose process died; they are in no rate."""
        return self._ended("cancelled")

    @property
    def overridden(self) -> int:
        """Completed and failed generations with models of their own or a forced failure."""
        return sum(row.generations for row in self.rows if row.overridden and row.outcome != "cancelled")

    @property
    def unreadable(self) -> int:
        """Generations of whose event some field could not be read."""
        return sum(row.unreadable for row in self.rows)

    @property
    def success(self) -> Rate:
        """Completed of completed and failed."""
        return Rate(self.completed, self.completed + self.failed)

    @property
    def fallback(self) -> Rate:
        """Those that the fallback answered, of the completed."""
        return Rate(self.fallen_back.completed, self.completed)

    @property
    def fallback_reasons(self) -> dict[str, int]:
        """The fallbacks by reason, all four of them."""
        return {
            reason: sum(row.generations for row in self._completed if row.fallback_reason == reason)
            for reason in REASONS
        }

    @property
    def main_reason(self) -> tuple[str, Rate] | None:
        """Why the fallback was asked most often, and the share of its fallbacks; None when it never was."""
        reason, number = max(self.fallback_reasons.items(), key=lambda entry: entry[1])
        return (reason, Rate(number, self.fallback.part)) if number else None

    @property
    def regeneration(self) -> Rate:
        """Those that were asked for again, of the completed."""
        return Rate(sum(row.regenerated for row in self._completed), self.completed)

    @property
    def cost_usd(self) -> Decimal | None:
        """All attempts of completed generations."""
        return _known_cost(self._completed)

    @property
    def cost_failed_usd(self) -> Decimal | None:
        """All attempts of failed and cancelled generations."""
        return _known_cost(row for row in self.rows if row.outcome != "completed")

    @property
    def spent_usd(self) -> Decimal | None:
        """All attempts of all generations."""
        return _known_cost(self.rows)

    @property
    def without_cost(self) -> int:
        """Generations that do not say what they cost."""
        return sum(row.without_cost for row in self.rows)

    @property
    def with_cost(self) -> int:
        """Completed generations that say what they cost."""
        return sum(row.generations - row.without_cost for row in self._completed)

    @property
    def wasted_usd(self) -> Decimal | None:
        """What attempts of completed generations cost whose answer was not used."""
        return _known((row.generations, row.without_waste, row.wasted_usd) for row in self._completed)

    @property
    def answers_usd(self) -> Decimal | None:
        """The cost that bought an answer; None where cost or waste is not known of every one."""
        if self.cost_usd is None or self.wasted_usd is None or self.without_waste:
            return None
        return self.cost_usd - self.wasted_usd

    @property
    def wasted_pct(self) -> Decimal | None:
        """Waste of the cost, in percent; None where either is not known of every generation, or nothing was spent."""
        if self.wasted_usd is None or self.without_waste or not self.cost_usd:
            return None
        return 100 * self.wasted_usd / self.cost_usd

    @property
    def without_waste(self) -> int:
        """Completed generations whose waste is unknown."""
        return sum(row.without_waste for row in self._completed)

    @property
    def unpriced(self) -> int:
        """Attempts without a known price; no cost holds them."""
        return sum(row.unpriced for row in self.rows)

    @property
    def compared(self) -> int:
        """Completed generations with a known cost and baseline: those that savings speak of."""
        return sum(row.compared for row in self._completed)

    @property
    def without_baseline(self) -> int:
        """Completed generations that savings leave out: their cost or their baseline is not known in full."""
        return self.completed - self.compared

    @property
    def baseline_usd(self) -> Decimal | None:
        """What the compared ones would have cost on the baseline model; None of none."""
        return _sum(row.baseline_usd for row in self._completed) if self.compared else None

    @property
    def compared_cost_usd(self) -> Decimal:
        """What the compared ones did cost."""
        return _sum(row.compared_cost_usd for row in self._completed)

    @property
    def compared_wasted_usd(self) -> Decimal:
        """The part of that which bought no answer."""
        return _sum(row.compared_wasted_usd for row in self._completed)

    @property
    def savings_usd(self) -> Decimal | None:
        """Baseline less cost, of the compared ones; negative when waste ate more than was saved."""
        return None if self.baseline_usd is None else self.baseline_usd - self.compared_cost_usd

    @property
    def savings_pct(self) -> Decimal | None:
        """Savings of the baseline, in percent; None where it is unknown or nothing."""
        savings, baseline = self.savings_usd, self.baseline_usd
        return 100 * savings / baseline if savings is not None and baseline else None

    @property
    def cost_per_workflow_usd(self) -> Decimal | None:
        """Cost of completed generations over `with_cost`; None of none."""
        return self.cost_usd / self.with_cost if self.cost_usd is not None and self.with_cost else None

    @property
    def timed(self) -> int:
        """Completed generations whose latency is known."""
        return sum(row.timed for row in self._completed)

    @property
    def average_latency_ms(self) -> Decimal | None:
        """Of the completed generations whose latency is known."""
        return _sum(row.latency_ms for row in self._completed) / self.timed if self.timed else None

    def _ended(self, outcome: str) -> int:
        return sum(row.generations for row in self.rows if row.outcome == outcome)


def tally(rows: Iterable[Generations]) -> Tally:
    """The tally of these rows."""
    return Tally(tuple(rows))


def _known_cost(rows: Iterable[Generations]) -> Decimal | None:
    return _known((row.generations, row.without_cost, row.cost_usd) for row in rows)


def _known(sums: Iterable[tuple[int, int, Decimal]]) -> Decimal | None:
    """The sum of (generations, how many of them it leaves out, amount); None where it leaves out all that there are."""
    known = tuple(sums)
    number, unknown = sum(entry[0] for entry in known), sum(entry[1] for entry in known)
    return None if number and number == unknown else _sum(entry[2] for entry in known)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
