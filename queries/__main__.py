"""`python -m queries report`: the figures of a period, for people or as one line of JSON."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from typing import Any

from orchestrator.environment import is_simulated, read_environment
from queries.errors import InvalidPeriod, QueryError
from queries.filters import SOURCES, Filters, default_source
from queries.period import USUAL_DAYS, asked_for
from queries.report import read_report
from store import (
    InvalidInput,
    StoreError,
    StoreSettings,
    clock,
    command_line,
    connect,
    exact_json,
    visible,
)
from store.command_line import DONE


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m queries", description="Figures from the audit log.")
    command = top.add_subparsers(dest="command", required=True)
    report = command.add_parser("report", help="cost, savings, fallbacks, quality and latency of a period")
    report.add_argument(
        "--from",
        dest="first",
        type=_day,
        metavar="DATE",
        help=f"first day; by default, the period is {USUAL_DAYS} days long",
    )
    report.add_argument("--to", dest="last", type=_day, metavar="DATE", help="last day; today by default")
    report.add_argument("--time-zone", default="UTC", metavar="ZONE", help="time zone of the days; UTC by default")
    report.add_argument("--source", choices=SOURCES, help="by default, real with a model key, otherwise simulated")
    report.add_argument("--json", action="store_true", help="print the report as one line of JSON")
    report.set_defaults(run=_report)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return command_line.run(
        parser(),
        arguments,
        failures=(StoreError, QueryError),
        wrong_usage=(InvalidPeriod, InvalidInput),
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a date; use the form 2026-11-25") from None


def _report(arguments: argparse.Namespace) -> int:
    days = asked_for(arguments.first, arguments.last, arguments.time_zone, clock.now())
    environment = read_environment()
    store = connect(StoreSettings.from_environment(environment))
    try:
        report = read_report(
            store.person(), days, Filters(arguments.source or default_source(simulated=is_simulated(environment)))
        )
    finally:
        store.close()
    print(exact_json(report) if arguments.json else _table(report))
    return DONE


def _table(report: dict[str, Any]) -> str:
    lines = _lines(report)
    width = max(len(label) for label, _ in lines) + 2
    return "\n".join(f"{label:{width}}{value}".rstrip() for label, value in lines)


def _lines(report: dict[str, Any], indent: str = "") -> list[tuple[str, str]]:
    lines = []
    for key, value in report.items():
        if isinstance(value, dict):
            lines += [(f"{indent}{visible(key)}", ""), *_lines(value, indent + "  ")]
        else:
            lines.append((f"{indent}{visible(key)}", "-" if value is None else str(value)))
    return lines


if __name__ == "__main__":
    sys.exit(main())
