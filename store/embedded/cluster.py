"""The embedded server's life cycle: the first process of a data folder starts it, all share it, the last stops it."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg

from store.embedded import postgres
from store.embedded.place import Place, prepare, remove, unwritable
from store.embedded.postgres import AUTHENTICATOR, OWNER, SUPERUSER
from store.errors import Unavailable

log = logging.getLogger(__name__)

__all__ = ["AUTHENTICATOR", "OWNER", "SUPERUSER", "Cluster", "locked"]

_KEEP_RUNNING = "keep-running"
_NAME_BEGINS = "console-"
_OTHERS = """
select count(*) from pg_stat_activity
where backend_type = 'client backend' and application_name like %s and application_name <> %s
"""


class Cluster:
    """The server of one data folder, and this process's connection that keeps it running."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._presence: psycopg.Connection | None = None
        self._place: Place | None = None
        self._guard = threading.Lock()
        # Every connection of this process carries this name, so that others see that the server is in use.
        self._name = f"{_NAME_BEGINS}{os.getpid()}-{secrets.token_hex(4)}"

    @property
    def place(self) -> Place:
        """Where this server's files are; known after `attach`."""
        if self._place is None:
            raise Unavailable("The embedded database has not been started.")
        return self._place

    def attach(self) -> None:
        """Start the server if necessary and keep it running; a second call does nothing while it runs.

        Raises:
            Unavailable: the server cannot be created or started; the message says what to do.
        """
        with self._guard, locked(self.data_dir):
            postgres.forget_service()
            if self._presence is not None:
                if postgres.is_there(self._presence):
                    return
                self._presence.close()
                self._presence = None
            self._place = prepare(self.data_dir)
            postgres.make(self._place)
            self._presence = postgres.start(self._place, self._name)

    def leave(self) -> None:
        """Release the server; the last process to leave stops it, unless `keep_running` was called."""
        with self._guard:
            presence, self._presence = self._presence, None
            if presence is None:
                return
            presence.close()
            try:
                self._stop_if_last()
            except Unavailable as error:
                log.warning("%s", error)

    def _stop_if_last(self) -> None:
        # A new connection, because the server drops all connections when one of its own processes is killed.
        with contextlib.suppress(psycopg.Error), locked(self.data_dir):
            with contextlib.closing(postgres.connect(self.place, self._name)) as last:
                others = last.execute(_OTHERS, [f"{_NAME_BEGINS}%", self._name]).fetchone()
            if others == (0,) and not (self.data_dir / _KEEP_RUNNING).exists():
                postgres.stop(self.place)

    def keep_running(self) -> None:
        """Keep the server running after the last process has left, until `stop`."""
        (self.data_dir / _KEEP_RUNNING).touch()

    def stop(self) -> bool:
        """Stop the server even if it is in use; False if it was not running.

        Raises:
            Unavailable: the server is still running, or the data folder cannot be read.
        """
        try:
            self.data_dir.stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise unwritable(self.data_dir, error) from error
        with locked(self.data_dir):
            (self.data_dir / _KEEP_RUNNING).unlink(missing_ok=True)
            return postgres.stop(prepare(self.data_dir))

    def reset(self) -> None:
        """Stop the server and remove its data for good, even data that this program cannot open.

        Raises:
            Unavailable: the server is still running, or the data cannot be removed.
        """
        with locked(self.data_dir):
            (self.data_dir / _KEEP_RUNNING).unlink(missing_ok=True)
            with contextlib.suppress(Unavailable):  # in that case it cannot be running either
                self._place = prepare(self.data_dir)
            if self._place:
                postgres.stop(self._place)
            remove(self.data_dir)

    def dsn(self, role: str = OWNER, database: str = "postgres") -> str:
        """A libpq string for one of the local roles."""
        return postgres.dsn(self.place, role, database, self._name)

    def uri(self, role: str = OWNER, database: str = "postgres") -> str:
        """The same as a URI, which needs no quoting in a shell."""
        return postgres.uri(self.place, role, database)


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """The data folder's lock, held by one thread of one process; creates the folder if necessary.

    Raises:
        Unavailable: the folder cannot be created or written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Readable only by us: anyone who can open the file could hold the lock.
        file = os.fdopen(os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w")
    except OSError as error:
        raise unwritable(data_dir, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
