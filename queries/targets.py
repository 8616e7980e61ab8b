"""What the figures are held against: the only home of each threshold."""

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
        good_pct: where the good side begins.
        bad_pct: where the bad side begins; between the two the figure is to be watched.
    """

    good_pct: Decimal
    bad_pct: Decimal

    @property
    def below(self) -> bool:
        """Whether small is good."""
        return self.good_pct <= self.bad_pct

    @property
    def limits(self) -> tuple[Decimal, Decimal]:
        """Both ends of what is to be watched."""
        return self.good_pct, self.bad_pct

    def certain(self, rate: Rate) -> bool:
        """Whether the whole interval of the true share lies on one side of the good end; False of nothing."""
        interval = rate.interval_pct
        return interval is not None and not interval[0] < self.good_pct < interval[1]

    def standing(self, rate: Rate) -> Standing:
        """Where a rate stands; unknown of nothing."""
        pct = rate.pct
        if pct is None:
            return "unknown"
        if self.below:
            return "good" if pct < self.good_pct else "bad" if pct > self.bad_pct else "watch"
        return "good" if pct >= self.good_pct else "bad" if pct < self.bad_pct else "watch"


FALLBACK = Target(good_pct=Decimal(5), bad_pct=Decimal(10))
"""Above the worse of them the prompts need work."""
FALLBACK_RARE_PCT = Decimal(2)
"""Below it a fallback may be dropped for simple agents."""
SUCCESS = Target(good_pct=Decimal(99), bad_pct=Decimal(97))
VALIDATION = Target(good_pct=Decimal(95), bad_pct=Decimal(92))
"""Of a cheap model's replies."""
API_ERRORS = Target(good_pct=Decimal(1), bad_pct=Decimal(3))
REGENERATION = Target(good_pct=Decimal(3), bad_pct=Decimal(6))
EXECUTION = Target(good_pct=Decimal(95), bad_pct=Decimal(90))
SATISFACTION = Target(good_pct=Decimal(90), bad_pct=Decimal(80))
