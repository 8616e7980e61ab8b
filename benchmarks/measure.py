"""Timing two ways of doing the same, in turns, so that both meet the same machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of a table.

    Attributes:
        ours_s, peer_s: medians.
    """

    what: str
    ours_s: float
    peer: str
    peer_s: float

    def line(self) -> str:
        """The line in Markdown; the ratio is ours over the peer's."""
        ratio = self.ours_s / self.peer_s
        return (
            f"| {self.what} | {milliseconds(self.ours_s)} | {self.peer} | {milliseconds(self.peer_s)} | {ratio:.2f} |"
        )


HEADING = "| | console | against | | ratio |\n|---|---:|---|---:|---:|"


def milliseconds(duration_s: float) -> str:
    """To three digits."""
    return f"{1000 * duration_s:,.3g} ms" if duration_s < 1 else f"{1000 * duration_s:,.0f} ms"


def compare(
    what: str, ours: Callable[[], object], peer: str, theirs: Callable[[], object], rounds: int = 7
) -> Comparison:
    """The medians of both after one round that does not count."""
    durations: list[tuple[float, float]] = [(duration_s(ours), duration_s(theirs)) for _ in range(rounds + 1)][1:]
    mine, others = zip(*durations, strict=True)
    return Comparison(what, statistics.median(mine), peer, statistics.median(others))


def duration_s(work: Callable[[], object]) -> float:
    """How long it took once."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
