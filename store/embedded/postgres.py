"""The Postgres server process of one place: created, started, stopped.

It trusts only a real connection, never a process id, and signals no process itself but uses `pg_ctl`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import select
import shutil
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from store.embedded import binaries
from store.embedded.place import Place, unwritable
from store.errors import Unavailable

log = logging.getLogger(__name__)

OWNER = "postgres"
SUPERUSER = "supabase_admin"
AUTHENTICATOR = "authenticator"
LOCALE = "--locale=C --locale-provider=builtin --builtin-locale=C.UTF-8"
"""Options of initdb for sorting by code point, the same on every machine."""

_START_LIMIT_S = 120  # recovery after a crash of a large database takes a while
_SETTLE_LIMIT_S = 20  # how long a server that was just killed may still have its files open
_START_TRIES = 3
_CONNECT_LIMIT_S = 5
_FROZEN = (
    "The embedded database does not answer: its server is suspended, or the machine is overloaded. Try again later."
)
_PAUSE_S = 0.2
_LEAST_FREE_BYTES = 1_000_000
_NOT_SETTLED = ("still in use", "lock file", "starting up", "shutting down", "recovery mode")

# Our own socket, without encryption. Each of these can also be set by a variable meant for another server.
_PLAIN = {
    "channel_binding": "disable",
    "connect_timeout": "10",
    "client_encoding": "UTF8",
    "gssencmode": "disable",
    "load_balance_hosts": "disable",
    "max_protocol_version": "3.0",
    "min_protocol_version": "3.0",
    "require_auth": "scram-sha-256",
    "requirepeer": "",
    "ssl_max_protocol_version": "",
    "ssl_min_protocol_version": "",
    "sslcertmode": "disable",
    "sslmode": "disable",
    "sslnegotiation": "postgres",
    "sslrootcert": "",
    "target_session_attrs": "any",
}

# Errors, statements and details contain what people typed, so none of them is logged.
_SETTINGS = """\
listen_addresses = ''
port = 5432
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 60
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
jit = off
"""


def dsn(place: Place, role: str, database: str, application_name: str) -> str:
    """A libpq string for a local role, complete so that no variable for another server interferes."""
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    return psycopg.conninfo.make_conninfo(
        host=str(place.socket_dir),
        hostaddr="",
        port=5432,
        user=role,
        password=place.password,
        dbname=database,
        options="",
        application_name=application_name,
        **{name: value for name, value in _PLAIN.items() if name in known},
    )


def forget_service() -> None:
    """Remove the variables that no libpq string overrides: with an unknown service, nothing connects."""
    for name in ("PGSERVICE", "PGDATESTYLE", "PGTZ", "PGGEQO"):
        os.environ.pop(name, None)


def uri(place: Place, role: str, database: str) -> str:
    """The same as a URI, which needs no quoting in a shell."""
    secret, folder = quote(place.password, safe=""), quote(str(place.socket_dir), safe="")
    return f"postgresql://{role}:{secret}@/{database}?host={folder}&port=5432"


def connect(place: Place, application_name: str) -> psycopg.Connection:
    """A superuser connection to a running server.

    Raises:
        psycopg.OperationalError: no server answers.
    """
    conninfo = dsn(place, SUPERUSER, "postgres", application_name)
    return psycopg.connect(conninfo, autocommit=True, connect_timeout=_CONNECT_LIMIT_S)


def is_there(connection: psycopg.Connection) -> bool:
    """Whether the server at the other end is still running: one that has stopped has closed its end."""
    try:
        return not select.select([connection.fileno()], [], [], 0)[0]
    except (psycopg.Error, ValueError):
        return False


def make(place: Place) -> None:
    """Run initdb next to the final folder and rename it, so that a killed process leaves nothing that looks finished.

    Each try has its own folder: an initdb that outlived its parent may still be writing into the previous one.
    """
    if place.cluster_dir.exists():
        return
    unfinished = place.home / f"postgres.unfinished-{secrets.token_hex(4)}"
    password_file = unfinished.with_suffix(".password")
    try:
        binaries.write(password_file, place.password, place.user)
        _initdb(place, unfinished, password_file)
        settings = (unfinished / "postgresql.conf").read_text() + "include_if_exists = 'console.conf'\n"
        binaries.write(unfinished / "postgresql.conf", settings, place.user)
        unfinished.rename(place.cluster_dir)
    except OSError as error:
        raise unwritable(place.data_dir, error) from error
    finally:
        for left in place.home.glob("postgres.unfinished*"):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _initdb(place: Place, folder: Path, password_file: Path) -> None:
    options = f"-U {SUPERUSER} -A scram-sha-256 -E UTF8 {LOCALE}"
    command: list[str | Path] = [place.program("initdb"), "-D", folder, "--pwfile", password_file, *options.split()]
    outcome = binaries.run(command, place.user)
    if outcome.returncode != 0:
        output = outcome.stdout + outcome.stderr
        with contextlib.suppress(OSError):  # on a full disk the message has to suffice
            binaries.write(_log_file(place), output, place.user)
        raise _failure(place, "created", output)


def start(place: Place, application_name: str) -> psycopg.Connection:
    """A superuser connection to the server, which is started if none answers.

    Raises:
        Unavailable: the server cannot be started.
    """
    deadline, tries = time.monotonic() + _SETTLE_LIMIT_S, 0
    while True:
        try:
            return connect(place, application_name)
        except psycopg.errors.ConnectionTimeout as error:
            raise Unavailable(_FROZEN) from error
        except psycopg.OperationalError as error:
            log.debug("No server yet: %s", error)
        output, tries = _try_to_start(place), tries + 1
        try:
            return connect(place, application_name)
        except psycopg.OperationalError as error:
            unsettled = any(sign in output + str(error) for sign in _NOT_SETTLED)
            if time.monotonic() > deadline or (tries >= _START_TRIES and not unsettled):
                raise _failure(place, "started", output) from error
        time.sleep(_PAUSE_S)


def stop(place: Place) -> bool:
    """Stop the server and wait for it; False if none was running.

    Raises:
        Unavailable: the server is still running.
    """
    _forget_dead_server(place)
    pid_file = place.cluster_dir / "postmaster.pid"
    if not pid_file.exists():
        return False
    control: list[str | Path] = [place.program("pg_ctl"), "-D", place.cluster_dir]
    outcome = binaries.run([*control, "-m", "fast", "-w", "stop"], place.user)
    if outcome.returncode != 0 and pid_file.exists():
        raise _failure(place, "stopped", outcome.stdout + outcome.stderr)
    return True


def _try_to_start(place: Place) -> str:
    """Try once to start the server; returns Postgres's output of this try."""
    _forget_dead_server(place)
    settings = _SETTINGS.format(socket_dir=str(place.socket_dir).replace("'", "''"))
    try:
        binaries.write(place.cluster_dir / "console.conf", settings, place.user)
    except OSError as error:
        return str(error)
    said_before = _log_size(place)
    control: list[str | Path] = [place.program("pg_ctl"), "-D", place.cluster_dir, "-w", "-t", str(_START_LIMIT_S)]
    outcome = binaries.run([*control, "-l", _log_file(place), "start"], place.user)
    return outcome.stdout + outcome.stderr + _log_since(place, said_before)


def _forget_dead_server(place: Place) -> None:
    """Remove the lock files of a dead server: after a reboot, their process id may belong to any process."""
    pid_file = place.cluster_dir / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except FileNotFoundError:
        return
    except ValueError:
        pid = 0  # an empty file, after a power cut
    if not _is_server(pid, place.cluster_dir):
        pid_file.unlink(missing_ok=True)
        for path in place.socket_dir.glob(".s.PGSQL.*"):
            path.unlink(missing_ok=True)


def _is_server(pid: int, cluster_dir: Path) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # Its working folder is still right if the data folder was moved under a running server.
        return str(cluster_dir) in process.cmdline() or Path(process.cwd()).samefile(cluster_dir)
    except (psutil.Error, OSError, ValueError):
        return False


def _failure(place: Place, verb: str, output: str) -> Unavailable:
    # On a full disk, Postgres may not even be able to log it.
    if "No space left" in output or shutil.disk_usage(place.home).free < _LEAST_FREE_BYTES:
        return Unavailable(f"The database could not be {verb}: the disk is full; free up some space and try again.")
    log.debug("Postgres said: %s", output)
    where = f"; see {_log_file(place)}" if _log_file(place).exists() else ""
    return Unavailable(f"The database could not be {verb}{where}.")


def _log_file(place: Place) -> Path:
    return place.home / "postgres.log"


def _log_size(place: Place) -> int:
    return _log_file(place).stat().st_size if _log_file(place).exists() else 0


def _log_since(place: Place, size: int) -> str:
    try:
        with _log_file(place).open("rb") as file:
            file.seek(size)
            return file.read(100_000).decode(errors="replace")
    except OSError:
        return ""
