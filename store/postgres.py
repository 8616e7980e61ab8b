"""The Postgres server process of one place: made, started, stopped.

It believes only a real connection, never a process id, and signals no process itself: it asks `pg_ctl`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from store import binaries
from store.errors import Unavailable
from store.place import Place, unwritable

log = logging.getLogger(__name__)

OWNER = "postgres"
SUPERUSER = "supabase_admin"
AUTHENTICATOR = "authenticator"

_START_LIMIT_S = 120  # recovery after a crash of a large database takes a while
_START_TRIES = 5  # a server that was just killed needs a moment until its socket is gone

# Errors are logged without statements and details: those hold what people typed.
_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 60
timezone = 'UTC'
log_timezone = 'UTC'
log_min_error_statement = panic
log_error_verbosity = terse
"""


def dsn(place: Place, role: str, database: str) -> str:
    """A libpq string for a local role."""
    return psycopg.conninfo.make_conninfo(
        host=str(place.socket_dir), user=role, password=place.password(), dbname=database
    )


def uri(place: Place, role: str, database: str) -> str:
    """The same as a URI, which needs no quoting in a shell."""
    password, folder = quote(place.password(), safe=""), quote(str(place.socket_dir), safe="")
    return f"postgresql://{role}:{password}@/{database}?host={folder}"


def make(place: Place) -> None:
    """Run initdb beside the final folder and rename it, so that a killed run leaves nothing that looks finished."""
    if place.cluster_dir.exists():
        return
    unfinished, password_file = place.home / "postgres.unfinished", place.home / "password"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        password_file.write_text(place.password())
        password_file.chmod(0o600)
        if place.user:
            os.chown(password_file, place.user.uid, place.user.gid)
        arguments = (
            f"-U {SUPERUSER} -A scram-sha-256 -E UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8"
        )
        command: list[str | Path] = [
            place.program("initdb"),
            "-D",
            unfinished,
            "--pwfile",
            password_file,
            *arguments.split(),
        ]
        outcome = binaries.run(command, place.user)
        if outcome.returncode != 0:
            raise _failure(place, "made", outcome.stdout + outcome.stderr)
        with (unfinished / "postgresql.conf").open("a") as file:
            file.write("include_if_exists = 'console.conf'\n")
        unfinished.rename(place.cluster_dir)
    except OSError as error:
        raise unwritable(place.data_dir, error) from error
    finally:
        password_file.unlink(missing_ok=True)


def start(place: Place) -> psycopg.Connection:
    """A connection as superuser, the server started if none answers.

    Raises:
        Unavailable: it cannot be started.
    """
    for _ in range(_START_TRIES):
        with contextlib.suppress(psycopg.OperationalError):
            return psycopg.connect(dsn(place, SUPERUSER, "postgres"), autocommit=True, connect_timeout=5)
        _forget_dead_server(place)
        _write_settings(place)
        log_file = place.home / "postgres.log"
        control: list[str | Path] = [place.program("pg_ctl"), "-D", place.cluster_dir]
        outcome = binaries.run([*control, "-w", "-t", str(_START_LIMIT_S), "-l", log_file, "start"], place.user)
    try:
        return psycopg.connect(dsn(place, SUPERUSER, "postgres"), autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise _failure(place, "started", outcome.stdout + outcome.stderr + _last_log_lines(place)) from error


def stop(place: Place) -> bool:
    """Stop the server and wait for it; False when none was running."""
    return (
        binaries.run(
            [place.program("pg_ctl"), "-D", place.cluster_dir, "-m", "fast", "-w", "stop"], place.user
        ).returncode
        == 0
    )


def _write_settings(place: Place) -> None:
    path = place.cluster_dir / "console.conf"
    path.write_text(_SETTINGS.format(socket_dir=str(place.socket_dir).replace("'", "''")))
    if place.user:
        os.chown(path, place.user.uid, place.user.gid)


def _forget_dead_server(place: Place) -> None:
    """Remove the lock files of a server that is gone: after a reboot their process id may be anybody's."""
    pid_file = place.cluster_dir / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if not _is_server(pid, place.cluster_dir):
        pid_file.unlink(missing_ok=True)
        for path in place.socket_dir.glob(".s.PGSQL.*"):
            path.unlink(missing_ok=True)


def _is_server(pid: int, cluster_dir: Path) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # Its working folder stays true when the data folder was moved under a running server.
        return str(cluster_dir) in process.cmdline() or Path(process.cwd()).samefile(cluster_dir)
    except (psutil.Error, OSError):
        return False


def _failure(place: Place, verb: str, output: str) -> Unavailable:
    if "No space left" in output:
        return Unavailable(f"The database could not be {verb}: the disk is full; free some space and try again.")
    log.debug("Postgres said: %s", output)
    return Unavailable(f"The database could not be {verb}; {place.home / 'postgres.log'} says why.")


def _last_log_lines(place: Place) -> str:
    try:
        return (place.home / "postgres.log").read_text(errors="replace")[-4000:]
    except OSError:
        return ""
