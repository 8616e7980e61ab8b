"""`python -m orchestrator`: generate workflows and change the settings from a terminal."""

from __future__ import annotations

import argparse
import sys

from orchestrator.cli import commands
from orchestrator.errors import InvalidRequest, OrchestratorError
from orchestrator.simulator import Fault
from store import InvalidInput, StoreError, command_line


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m orchestrator", description="Generate workflows and manage the three system keys."
    )
    command = top.add_subparsers(dest="command", required=True)

    generate = command.add_parser("generate", help="generate a validated workflow from a description")
    generate.add_argument("prompt", nargs="?", help="description of the process")
    generate.add_argument("--file", metavar="PROMPTS.jsonl", help='one {"prompt", "services"} per line; - for stdin')
    generate.add_argument("--services", help="connected services, separated by commas")
    generate.add_argument("--agent-id", help="the agent the workflow is for; a new one by default")
    generate.add_argument("--primary", metavar="MODEL", help="the model to ask first, for this only")
    second = generate.add_mutually_exclusive_group()
    second.add_argument("--fallback", metavar="MODEL", help="the model to ask second, for this only")
    second.add_argument("--no-fallback", action="store_true", help="make one attempt only")
    generate.add_argument(
        "--force-failure", choices=[fault.value for fault in Fault], help="make a simulated first model fail"
    )
    generate.add_argument("--json", action="store_true", help="print each result as one line of JSON")
    generate.set_defaults(run=commands.generate)

    settings = command.add_parser("settings", help="show or change the system keys")
    settings.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="keys to change, saved together"
    )
    settings.add_argument("--json", action="store_true", help="print the keys as one line of JSON")
    settings.set_defaults(run=commands.settings)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return command_line.run(
        parser(),
        arguments,
        failures=(OrchestratorError, StoreError),
        wrong_usage=(InvalidRequest, InvalidInput),
    )


if __name__ == "__main__":
    sys.exit(main())
