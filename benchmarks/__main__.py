"""`python -m benchmarks`: tables in Markdown on standard output."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable

from benchmarks.measure import HEADING, Comparison

_PARTS = ("screen", "steadiness", "reruns", "generation", "route", "inserts", "figures")


def main() -> None:
    """Run the benchmarks named on the command line, all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare with the alternatives.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one of {', '.join(_PARTS)}; all by default")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000], help="generations, for figures")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(_PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    for name in arguments.parts or _PARTS:
        if name == "steadiness":
            print(
                "\n".join(["\n### Steadiness\n", *importlib.import_module("benchmarks.steadiness").lines()]), flush=True
            )
            continue
        measure = importlib.import_module(f"benchmarks.{name}").measure
        if name == "figures":
            for rows in arguments.rows:
                _print(f"Figures of {rows:,} generations in 90 days", measure(rows))
        else:
            _print(name.capitalize(), measure())


def _print(title: str, comparisons: Iterable[Comparison]) -> None:
    print(f"\n### {title}\n\n{HEADING}", flush=True)
    for comparison in comparisons:
        print(comparison.line(), flush=True)


if __name__ == "__main__":
    main()
