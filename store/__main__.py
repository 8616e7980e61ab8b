"""`python -m store`: the embedded database and the schema, from a terminal."""

from __future__ import annotations

import argparse
import sys

from store import command_line
from store.cluster import Cluster
from store.command_line import DONE, say
from store.embedded import bring_up
from store.environment import StoreSettings, read_environment
from store.errors import InvalidInput, StoreError
from store.grant import ROLES, grant
from store.migrate import migrate


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m store", description="The embedded database, and the schema of any.")
    command = top.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return command.add_parser(name, help=text, description=text)

    add("dsn", "start the embedded database, leave it running, print how to connect as its owner").set_defaults(
        run=_dsn
    )
    up = add("migrate", "bring a database up to this version's schema")
    up.add_argument("--url", help="a hosted project's; by default SUPABASE_DB_URL, else the embedded database")
    up.set_defaults(run=_migrate)
    role = add("grant", "give somebody a role in the console of a hosted project")
    role.add_argument("email")
    role.add_argument("role", choices=ROLES)
    role.add_argument("--url", help="the project's database; by default SUPABASE_DB_URL")
    role.set_defaults(run=_grant)
    add("stop", "stop the embedded database").set_defaults(run=_stop)
    add("reset", "stop the embedded database and remove all its data").set_defaults(run=_reset)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return command_line.run(
        lambda parsed: int(parsed.run(parsed)),
        parser(),
        arguments,
        failures=(StoreError,),
        wrong_usage=(InvalidInput,),
    )


def _embedded() -> Cluster:
    return Cluster(StoreSettings.from_environment(read_environment()).data_dir)


def _url(arguments: argparse.Namespace) -> str | None:
    given: str | None = arguments.url or read_environment().get("SUPABASE_DB_URL")
    return given


def _dsn(arguments: argparse.Namespace) -> int:
    server = _embedded()
    server.attach()
    try:
        bring_up(server)
        server.keep_running()
        print(server.uri())
    finally:
        server.leave()
    return DONE


def _migrate(arguments: argparse.Namespace) -> int:
    if url := _url(arguments):
        applied = migrate(url, exclusive=False)
        say(f"{len(applied)} migrations applied." if applied else "The schema is up to date.")
        return DONE
    server = _embedded()
    server.attach()
    try:
        bring_up(server)
    finally:
        server.leave()
    say("The embedded database is up to date.")
    return DONE


def _grant(arguments: argparse.Namespace) -> int:
    url = _url(arguments)
    if url is None:
        raise InvalidInput("Name the project's database with --url or SUPABASE_DB_URL.")
    grant(url, arguments.email, arguments.role)
    say(f"{arguments.email} is now {arguments.role}.")
    return DONE


def _stop(arguments: argparse.Namespace) -> int:
    say("Stopped." if _embedded().stop() else "The embedded database was not running.")
    return DONE


def _reset(arguments: argparse.Namespace) -> int:
    _embedded().reset()
    say("The embedded database and its data are gone; the next start makes a new one.")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
