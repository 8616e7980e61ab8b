"""Shares of a whole, with their confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

# The 97.5 % quantile of the normal distribution: an interval for 95 %.
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Rate:
    """`part` of `whole`; both are counts."""

    part: int
    whole: int

    @property
    def pct(self) -> Decimal | None:
        """The share in percent; None if the whole is 0."""
        return Decimal(100 * self.part) / self.whole if self.whole else None

    @property
    def interval_pct(self) -> tuple[float, float] | None:
        """The 95 % confidence interval of the true share, in percent; None if the whole is 0.

        Wilson's score interval: centre (p + z²/2n) / (1 + z²/n), half width z √(p(1-p)/n + z²/4n²) / (1 + z²/n).
        It stays between 0 and 100 and is reliable for a handful of cases, unlike the usual interval.
        """
        if not self.whole:
            return None
        share, count = self.part / self.whole, self.whole
        spread = 1 + _Z**2 / count
        centre = (share + _Z**2 / (2 * count)) / spread
        half = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / spread
        return 100 * max(0.0, centre - half), 100 * min(1.0, centre + half)
