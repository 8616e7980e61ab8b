"""The targets of the figures; each threshold is defined here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from queries.rates import Rate

Standing = Literal["good", "watch", "bad", "unknown"]


@dataclass(frozen=True, slots=True)
class Target:
    """A share to stay below, or to reach.

    Attributes:
        good_pct: where the good range begins.
        bad_pct: where the bad range begins; rates in between need watching.
    """

    good_pct: Decimal
    bad_pct: Decimal

    @property
    def below(self) -> bool:
        """Whether lower is better."""
        return self.good_pct <= self.bad_pct

    @property
    def limits(self) -> tuple[Decimal, Decimal]:
        """Both ends of the range in between."""
        return self.good_pct, self.bad_pct

    def certain(self, rate: Rate) -> bool:
        """Whether the whole 95 % CI lies on one side of `good_pct`; False without any cases."""
        interval = rate.interval_pct
        return interval is not None and not interval[0] < self.good_pct < interval[1]

    def standing(self, rate: Rate) -> Standing:
        """How a rate compares with the target; unknown without any cases."""
        pct = rate.pct
        if pct is None:
            return "unknown"
        if self.below:
            return "good" if pct < self.good_pct else "bad" if pct > self.bad_pct else "watch"
        return "good" if pct >= self.good_pct else "bad" if pct < self.bad_pct else "watch"


FALLBACK = Target(good_pct=Decimal(5), bad_pct=Decimal(10))
"""Above `bad_pct`, the prompts need work."""
FALLBACK_RARE_PCT = Decimal(2)
"""Below this rate, the fallback may be dropped for simple agents."""
SUCCESS = Target(good_pct=Decimal(99), bad_pct=Decimal(97))
VALIDATION = Target(good_pct=Decimal(95), bad_pct=Decimal(92))
"""For the replies of a cheap model."""
API_ERRORS = Target(good_pct=Decimal(1), bad_pct=Decimal(3))
REGENERATION = Target(good_pct=Decimal(3), bad_pct=Decimal(6))
EXECUTION = Target(good_pct=Decimal(95), bad_pct=Decimal(90))
SATISFACTION = Target(good_pct=Decimal(90), bad_pct=Decimal(80))
