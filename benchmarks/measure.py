"""Timing two ways of doing the same, in turns, so that both meet the same machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of a table.

    Attributes:
        rounds: how long ours took and then the peer, in seconds; at least one.
    """

    what: str
    peer: str
    rounds: Sequence[tuple[float, float]]

    def line(self) -> str:
        """The medians in Markdown.

        The ratio, ours over the peer's, is that of the median round: a machine that is slow for a while is so for both
        sides of a round, but not for both medians.
        """
        ours_s, peer_s = (statistics.median(side) for side in zip(*self.rounds, strict=True))
        ratio = statistics.median(ours / peer for ours, peer in self.rounds)
        return f"| {self.what} | {milliseconds(ours_s)} | {self.peer} | {milliseconds(peer_s)} | {ratio:.2f} |"


HEADING = "| | console | against | | ratio |\n|---|---:|---|---:|---:|"


def milliseconds(duration_s: float) -> str:
    """To three digits."""
    return f"{1000 * duration_s:,.3g} ms" if duration_s < 1 else f"{1000 * duration_s:,.0f} ms"


def compare(
    what: str, ours: Callable[[], object], peer: str, theirs: Callable[[], object], rounds: int = 7
) -> Comparison:
    """Both in turns, after one round that does not count."""
    return Comparison(what, peer, [(duration_s(ours), duration_s(theirs)) for _ in range(rounds + 1)][1:])


def duration_s(work: Callable[[], object]) -> float:
    """How long it took once."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
