"""`python -m store`: manage the embedded database and the schema from a terminal."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator

from store import command_line
from store.command_line import DONE, FAILED, say
from store.connect import connect
from store.database import Database
from store.embedded.cluster import OWNER, Cluster
from store.embedded.database import bring_up
from store.environment import StoreSettings, read_environment
from store.errors import InvalidInput, StoreError
from store.hosted.grant import ROLES, grant
from store.migrate import migrate
from store.rollups import recount
from store.sample import DAYS, PER_DAY, SEED, add_sample_data, remove_sample_data

_NO_URL = "Give the URL of the project's database with --url or SUPABASE_DB_URL."


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m store", description="Manage the embedded database and the schema of any database."
    )
    command = top.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return command.add_parser(name, help=text, description=text)

    add("dsn", "start the embedded database, leave it running, and print its owner's connection URI").set_defaults(
        run=_dsn
    )
    up = add("migrate", "bring a database up to this version's schema")
    up.add_argument("--url", help="a hosted project's database; by default SUPABASE_DB_URL, else the embedded one")
    up.set_defaults(run=_migrate)
    role = add("grant", "give a user a role in the console of a hosted project")
    role.add_argument("email")
    role.add_argument("role", choices=ROLES)
    role.add_argument("--url", help="the project's database; by default SUPABASE_DB_URL")
    role.set_defaults(run=_grant)
    sample = add("sample-data", "add a quarter's worth of a fictional company's events, marked as sample data")
    sample.add_argument("--days", type=int, default=DAYS, help=f"number of days, up to yesterday; {DAYS} by default")
    sample.add_argument(
        "--per-day", type=int, default=PER_DAY, help=f"generations on a weekday near the end; {PER_DAY} by default"
    )
    sample.add_argument("--seed", type=int, default=SEED, help="changes ids, agents and times, but no totals")
    sample.set_defaults(run=_sample_data)
    add("clear-sample-data", "remove the sample data and its counts").set_defaults(run=_clear_sample_data)
    count = add("recount", "recount the audit log and compare; nothing can be appended meanwhile")
    count.add_argument("--rebuild", action="store_true", help="replace the old counts with the new ones")
    count.add_argument("--url", help="a hosted project's database; by default SUPABASE_DB_URL, else the embedded one")
    count.set_defaults(run=_recount)
    add("stop", "stop the embedded database").set_defaults(run=_stop)
    add("reset", "stop the embedded database and remove all its data").set_defaults(run=_reset)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return command_line.run(
        parser(),
        arguments,
        failures=(StoreError,),
        wrong_usage=(InvalidInput,),
    )


def _embedded() -> Cluster:
    return Cluster(StoreSettings.from_environment(read_environment()).data_dir)


def _url(arguments: argparse.Namespace) -> str | None:
    """The URL of the hosted database; None for the embedded one.

    Raises:
        InvalidInput: a hosted project is configured, but the URL of its database is not.
    """
    environment = read_environment()
    if arguments.url is not None and not arguments.url.strip():
        raise InvalidInput("--url is blank; leave it out for the default.")
    given: str | None = arguments.url or environment.get("SUPABASE_DB_URL")
    if given is None and StoreSettings.from_environment(environment).hosted:
        raise InvalidInput(_NO_URL)
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
        say(f"{', '.join(applied)}: applied." if applied else "The schema is up to date.")
        return DONE
    with _embedded_owner():
        say("The embedded database is up to date.")
    return DONE


@contextlib.contextmanager
def _embedded_owner() -> Iterator[str]:
    """The owner's connection string of the embedded database, which runs and is up to date meanwhile."""
    server = _embedded()
    server.attach()
    try:
        bring_up(server)
        yield server.dsn(OWNER)
    finally:
        server.leave()


@contextlib.contextmanager
def _person() -> Iterator[Database]:
    store = connect(StoreSettings.from_environment(read_environment()))
    try:
        yield store.person()
    finally:
        store.close()


def _sample_data(arguments: argparse.Namespace) -> int:
    with _person() as database:
        say(f"Adding {arguments.days:,} days of sample data ...")
        *_, events = add_sample_data(database, days=arguments.days, per_day=arguments.per_day, seed=arguments.seed)
    say(f"Events added: {events:,}, all marked as sample data.")
    return DONE


def _clear_sample_data(arguments: argparse.Namespace) -> int:
    with _person() as database:
        removed = remove_sample_data(database)
    say(f"Events removed: {removed:,}." if removed else "There was no sample data.")
    return DONE


def _recount(arguments: argparse.Namespace) -> int:
    with contextlib.nullcontext(url) if (url := _url(arguments)) else _embedded_owner() as conninfo:
        found = recount(conninfo, rebuild=arguments.rebuild)
    if not found.differences:
        say(f"All counts agree with the {found.events:,} events in the audit log.")
        return DONE
    differing = ", ".join(f"{rows:,} rows of {rollup}" for rollup, rows in found.differences.items())
    if arguments.rebuild:
        say(f"{differing} differed from the audit log and were rebuilt from its {found.events:,} events.")
        return DONE
    say(f"{differing} differ from the audit log; rebuild them with: python -m store recount --rebuild")
    return FAILED


def _grant(arguments: argparse.Namespace) -> int:
    url = _url(arguments)
    if url is None:
        raise InvalidInput(_NO_URL)
    grant(url, arguments.email, arguments.role)
    say(f"{arguments.email} now has the role {arguments.role}.")
    return DONE


def _stop(arguments: argparse.Namespace) -> int:
    say("Stopped." if _embedded().stop() else "The embedded database was not running.")
    return DONE


def _reset(arguments: argparse.Namespace) -> int:
    _embedded().reset()
    say("The embedded database and its data were removed; the next start creates a new one.")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
