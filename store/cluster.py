"""The embedded server's life: started by the first process of a data folder, shared by all, stopped by the last."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg

from store import postgres
from store.errors import Unavailable
from store.place import Place, prepare, unwritable
from store.postgres import AUTHENTICATOR, OWNER, SUPERUSER

__all__ = ["AUTHENTICATOR", "OWNER", "SUPERUSER", "Cluster", "locked"]

_PRESENCE_KEY = 0x0C0501E  # the advisory lock that every attached process shares
_KEEP_RUNNING = "keep-running"


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
                postgres.make(self._place)
                self._presence = postgres.start(self._place)
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
                    postgres.stop(self.place)

    def keep_running(self) -> None:
        """Let the server run on after the last process has left, until `stop`."""
        (self.data_dir / _KEEP_RUNNING).touch()

    def stop(self) -> bool:
        """Stop the server whoever uses it; False when none was running."""
        with locked(self.data_dir):
            (self.data_dir / _KEEP_RUNNING).unlink(missing_ok=True)
            return postgres.stop(prepare(self.data_dir))

    def reset(self) -> None:
        """Stop the server and remove its data for good."""
        with locked(self.data_dir):
            (self.data_dir / _KEEP_RUNNING).unlink(missing_ok=True)
            place = prepare(self.data_dir)
            postgres.stop(place)
            shutil.rmtree(place.home)

    def dsn(self, role: str = OWNER, database: str = "postgres") -> str:
        """A libpq string for one of the local roles."""
        return postgres.dsn(self.place, role, database)

    def uri(self, role: str = OWNER, database: str = "postgres") -> str:
        """The same as a URI, which needs no quoting in a shell."""
        return postgres.uri(self.place, role, database)


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
