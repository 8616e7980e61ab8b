"""The embedded Postgres server's life: made, started, shared by every process of this data folder, stopped by the last.

It believes only a real connection, never a process id, and signals no process itself: it asks `pg_ctl`.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from store import binaries
from store.errors import Unavailable
from store.place import Place, prepare, unwritable

log = logging.getLogger(__name__)

OWNER = "postgres"
SUPERUSER = "supabase_admin"
AUTHENTICATOR = "authenticator"

_START_LIMIT_S = 120  # recovery after a crash of a large database takes a while
_START_TRIES = 5  # a server that was just killed needs a moment until its socket is gone
_PRESENCE_KEY = 0x0C0501E  # the advisory lock that every attached process shares
_KEEP_RUNNING = "keep-running"

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


class Cluster:
    """The server of one data folder, and this process's presence at it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._presence: psycopg.Connection | None = None
        self._place: Place | None = None
        self._guard = threading.Lock()

    @property
    def place(self) -> Place:
        """Where this server's files lie; known once it has been attached to."""
        if self._place is None:
            raise Unavailable("The embedded database has not been started.")
        return self._place

    def attach(self) -> None:
        """Start the server if need be and hold it; a second call does nothing.

        Raises:
            Unavailable: it cannot be made or started; the message says what to do.
        """
        with self._guard, locked(self.data_dir):
            if self._presence is None:
                self._place = prepare(self.data_dir)
                _make(self._place)
                self._presence = _start(self._place)
                self._presence.execute("select pg_advisory_lock_shared(%s)", [_PRESENCE_KEY])

    def leave(self) -> None:
        """Let go of the server; the last process to leave stops it, unless it was asked to stay."""
        with self._guard:
            presence, self._presence = self._presence, None
            if presence is None:
                return
            with contextlib.suppress(psycopg.Error), presence, locked(self.data_dir):
                presence.execute("select pg_advisory_unlock_shared(%s)", [_PRESENCE_KEY])
                row = presence.execute("select pg_try_advisory_lock(%s)", [_PRESENCE_KEY]).fetchone()
                presence.close()
                if row == (True,) and not (self.data_dir / _KEEP_RUNNING).exists():
                    _stop(self.place)

    def keep_running(self) -> None:
        """Let the server run on after the last process has left, until `stop`."""
        (self.data_dir / _KEEP_RUNNING).touch()

    def stop(self) -> bool:
        """Stop the server whoever uses it; False when none was running."""
        with locked(self.data_dir):
            (self.data_dir / _KEEP_RUNNING).unlink(missing_ok=True)
            return _stop(prepare(self.data_dir))

    def reset(self) -> None:
        """Stop the server and remove its data for good."""
        with locked(self.data_dir):
            (self.data_dir / _KEEP_RUNNING).unlink(missing_ok=True)
            place = prepare(self.data_dir)
            _stop(place)
            shutil.rmtree(place.home)

    def dsn(self, role: str = OWNER, database: str = "postgres") -> str:
        """A libpq string for one of the local roles."""
        return dsn(self.place, role, database)


    def uri(self, role: str = OWNER, database: str = "postgres") -> str:
        """The same as a URI, which needs no quoting in a shell."""
        place = self.place
        return f"postgresql://{role}:{quote(place.password(), safe='')}@/{database}?host={quote(str(place.socket_dir), safe='')}"


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """The data folder's lock, held by one thread of one process; the folder is made if need be.

    Raises:
        Unavailable: the folder cannot be made or written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (data_dir / "lock").open("w")
    except OSError as error:
        raise unwritable(data_dir, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def dsn(place: Place, role: str, database: str) -> str:
    """A libpq string for a local role."""
    return psycopg.conninfo.make_conninfo(
        host=str(place.socket_dir), user=role, password=place.password(), dbname=database
    )


def _make(place: Place) -> None:
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
        _checked(
            place,
            [place.program("initdb"), "-D", unfinished, "-U", SUPERUSER, "-A", "scram-sha-256"]
            + ["--pwfile", password_file, "-E", "UTF8", "--locale=C"]
            + ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
            "made",
        )
        with (unfinished / "postgresql.conf").open("a") as file:
            file.write("include_if_exists = 'console.conf'\n")
        unfinished.rename(place.cluster_dir)
    except OSError as error:
        raise unwritable(place.data_dir, error) from error
    finally:
        password_file.unlink(missing_ok=True)


def _start(place: Place) -> psycopg.Connection:
    for _ in range(_START_TRIES):
        with contextlib.suppress(psycopg.OperationalError):
            return psycopg.connect(dsn(place, SUPERUSER, "postgres"), autocommit=True, connect_timeout=5)
        _forget_dead_server(place)
        _write_settings(place)
        outcome = binaries.run(
            [place.program("pg_ctl"), "-D", place.cluster_dir, "-w", "-t", str(_START_LIMIT_S)]
            + ["-l", place.home / "postgres.log", "start"],
            place.user,
        )
    try:
        return psycopg.connect(dsn(place, SUPERUSER, "postgres"), autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise _failure(place, "started", outcome.stdout + outcome.stderr + _last_log_lines(place)) from error


def _stop(place: Place) -> bool:
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


def _checked(place: Place, command: list[str | Path], verb: str) -> None:
    outcome = binaries.run(command, place.user)
    if outcome.returncode != 0:
        raise _failure(place, verb, outcome.stdout + outcome.stderr)


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
