"""Times two ways of doing the same thing in turns, so that both run under the same conditions."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of a table.

    Attributes:
        rounds: how long ours and the peer's took in each round, in seconds; at least one round.
    """

    what: str
    peer: str
    rounds: Sequence[tuple[float, float]]

    def line(self) -> str:
        """A table row in Markdown with the medians.

        The ratio, ours divided by the peer's, is that of the median round: a machine that is slow for a while slows
        both sides of a round, but not both medians.
        """
        ours_s, peer_s = (statistics.median(side) for side in zip(*self.rounds, strict=True))
        ratio = statistics.median(ours / peer for ours, peer in self.rounds)
        return f"| {self.what} | {milliseconds(ours_s)} | {self.peer} | {milliseconds(peer_s)} | {ratio:.2f} |"


HEADING = "| | console | against | | ratio |\n|---|---:|---|---:|---:|"


def milliseconds(duration_s: float) -> str:
    """A duration in milliseconds, to three digits."""
    return f"{1000 * duration_s:,.3g} ms" if duration_s < 1 else f"{1000 * duration_s:,.0f} ms"


def compare(
    what: str, ours: Callable[[], object], peer: str, theirs: Callable[[], object], rounds: int = 7
) -> Comparison:
    """Time both in turns, after one warm-up round that does not count."""
    return Comparison(what, peer, [(duration_s(ours), duration_s(theirs)) for _ in range(rounds + 1)][1:])


def duration_s(work: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
