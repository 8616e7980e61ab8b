"""The combined figures of a set of finished generations."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from queries.figures import Generations
from queries.rates import Rate

REASONS = ("validation_failed", "api_error", "timeout", "rate_limit")
"""The reasons for a fallback, in the order in which they are shown."""


@dataclass(frozen=True)
class Tally:
    """The sums over rows of any bins, as defined in `docs/figures.md`.

    Money is exact. A sum covers what is known, and a count beside it says how many generations it leaves out; it is
    None if nothing is known.
    """

    rows: tuple[Generations, ...]

    @cached_property
    def _completed(self) -> tuple[Generations, ...]:
        return tuple(row for row in self.rows if row.status == "completed")

    @cached_property
    def as_configured(self) -> Tally:
        """Only the generations that targets apply to: those without overrides or a forced failure."""
        return tally(row for row in self.rows if not row.overridden)

    def cheaper_first(self, expensive: Collection[str]) -> Tally:
        """Only the generations that targets apply to and that asked none of these expensive models first."""
        return tally(row for row in self.rows if not row.overridden and row.primary_model not in expensive)

    @cached_property
    def fallen_back(self) -> Tally:
        """Only the completed generations that the fallback answered."""
        return tally(row for row in self._completed if row.fallback_reason)

    @property
    def completed(self) -> int:
        """Generations that produced a workflow."""
        return sum(row.generations for row in self._completed)

    @property
    def failed(self) -> int:
        """Generations in which no model gave a valid workflow."""
        return self._ended("failed")

    @property
    def cancelled(self) -> int:
        """Generations that were stopped, or whose process died; they count in no rate."""
        return self._ended("cancelled")

    @property
    def overridden(self) -> int:
        """Completed and failed generations with overrides or a forced failure."""
        return sum(row.generations for row in self.rows if row.overridden and row.status != "cancelled")

    @property
    def unreadable(self) -> int:
        """Generations whose event has a field that could not be read."""
        return sum(row.unreadable for row in self.rows)

    @property
    def success(self) -> Rate:
        """Completed generations, of all completed and failed ones."""
        return Rate(self.completed, self.completed + self.failed)

    @property
    def fallback(self) -> Rate:
        """Generations that the fallback answered, of all completed ones."""
        return Rate(self.fallen_back.completed, self.completed)

    @property
    def fallback_reasons(self) -> dict[str, int]:
        """The number of fallbacks for each of the four reasons."""
        return {
            reason: sum(row.generations for row in self._completed if row.fallback_reason == reason)
            for reason in REASONS
        }

    @property
    def main_reason(self) -> tuple[str, Rate] | None:
        """The most frequent reason for a fallback and its share of all fallbacks; None if there are none."""
        reason, number = max(self.fallback_reasons.items(), key=lambda entry: entry[1])
        return (reason, Rate(number, self.fallback.part)) if number else None

    @property
    def regeneration(self) -> Rate:
        """Generations that replace an earlier one, of all completed ones."""
        return Rate(sum(row.regenerated for row in self._completed), self.completed)

    @property
    def cost_usd(self) -> Decimal | None:
        """All attempts of completed generations."""
        return _known_cost(self._completed)

    @property
    def cost_failed_usd(self) -> Decimal | None:
        """All attempts of failed and cancelled generations."""
        return _known_cost(row for row in self.rows if row.status != "completed")

    @property
    def spent_usd(self) -> Decimal | None:
        """All attempts of all generations."""
        return _known_cost(self.rows)

    @property
    def without_cost(self) -> int:
        """Generations whose cost is unknown."""
        return sum(row.without_cost for row in self.rows)

    @property
    def with_cost(self) -> int:
        """Completed generations whose cost is known."""
        return sum(row.generations - row.without_cost for row in self._completed)

    @property
    def wasted_usd(self) -> Decimal | None:
        """The cost of the attempts of completed generations whose reply was not used."""
        return _known((row.generations, row.without_waste, row.wasted_usd) for row in self._completed)

    @property
    def answers_usd(self) -> Decimal | None:
        """The cost of the replies that were used; None unless cost and waste are known for every generation."""
        if self.cost_usd is None or self.wasted_usd is None or self.without_waste:
            return None
        return self.cost_usd - self.wasted_usd

    @property
    def wasted_pct(self) -> Decimal | None:
        """Waste as a percentage of the cost; None unless both are known for every generation, or if the cost is 0."""
        if self.wasted_usd is None or self.without_waste or not self.cost_usd:
            return None
        return 100 * self.wasted_usd / self.cost_usd

    @property
    def without_waste(self) -> int:
        """Completed generations whose waste is unknown."""
        return sum(row.without_waste for row in self._completed)

    @property
    def unpriced(self) -> int:
        """Attempts without a known price; no cost includes them."""
        return sum(row.unpriced for row in self.rows)

    @property
    def compared(self) -> int:
        """Completed generations with a known cost and baseline: the ones that savings cover."""
        return sum(row.compared for row in self._completed)

    @property
    def without_baseline(self) -> int:
        """Completed generations that savings leave out because their cost or baseline is not fully known."""
        return self.completed - self.compared

    @property
    def baseline_usd(self) -> Decimal | None:
        """What the compared generations would have cost on the baseline model; None if there are none."""
        return _sum(row.baseline_usd for row in self._completed) if self.compared else None

    @property
    def compared_cost_usd(self) -> Decimal:
        """What the compared generations cost."""
        return _sum(row.compared_cost_usd for row in self._completed)

    @property
    def compared_wasted_usd(self) -> Decimal:
        """The wasted part of that cost."""
        return _sum(row.compared_wasted_usd for row in self._completed)

    @property
    def savings_usd(self) -> Decimal | None:
        """Baseline minus cost of the compared generations; negative if they cost more than the baseline."""
        return None if self.baseline_usd is None else self.baseline_usd - self.compared_cost_usd

    @property
    def savings_pct(self) -> Decimal | None:
        """Savings as a percentage of the baseline; None if that is unknown or 0."""
        savings, baseline = self.savings_usd, self.baseline_usd
        return 100 * savings / baseline if savings is not None and baseline else None

    @property
    def cost_per_workflow_usd(self) -> Decimal | None:
        """The cost of completed generations divided by `with_cost`; None if there are none."""
        return self.cost_usd / self.with_cost if self.cost_usd is not None and self.with_cost else None

    @property
    def timed(self) -> int:
        """Completed generations whose latency is known."""
        return sum(row.timed for row in self._completed)

    @property
    def average_latency_ms(self) -> Decimal | None:
        """The average over completed generations whose latency is known; None if there are none."""
        return _sum(row.latency_ms for row in self._completed) / self.timed if self.timed else None

    def _ended(self, status: str) -> int:
        return sum(row.generations for row in self.rows if row.status == status)


def tally(rows: Iterable[Generations]) -> Tally:
    """The tally of these rows."""
    return Tally(tuple(rows))


def _known_cost(rows: Iterable[Generations]) -> Decimal | None:
    return _known((row.generations, row.without_cost, row.cost_usd) for row in rows)


def _known(sums: Iterable[tuple[int, int, Decimal]]) -> Decimal | None:
    """The sum of the amounts of (generations, how many of them it leaves out, amount); None if it leaves out all."""
    known = tuple(sums)
    number, unknown = sum(entry[0] for entry in known), sum(entry[1] for entry in known)
    return None if number and number == unknown else _sum(entry[2] for entry in known)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
