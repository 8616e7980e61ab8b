"""The connections to the embedded server: shared between threads, limited in time, renewed when the server was lost."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

T = TypeVar("T")

CALL_LIMIT_S = 15.0
"""How long one use may take, the same as over HTTP; the server's statement timeout is shorter."""

_POOL_SIZE = 8
_WAIT_LIMIT_S = 10.0
_LOOK_AFTER_S = 1.0  # how long to wait for a free connection before checking whether the server is there
_CONNECT_LIMIT_S = 2


class Connections:
    """Up to eight connections as `authenticator`."""

    def __init__(self, conninfo: str, *, bring_up: Callable[[], str] | None = None) -> None:
        """Open the pool.

        Args:
            conninfo: libpq string.
            bring_up: restarts a lost server and returns its new libpq string; None if the server is not ours to start.
        """
        self._bring_up = bring_up
        self._watchdog = Watchdog()
        self._guard = threading.Lock()
        self._conninfo = conninfo
        self._pool = _opened(conninfo)

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def use(self, work: Callable[[psycopg.Connection], T]) -> T:
        """The result of work on a connection that nobody else uses meanwhile; it is cut off after CALL_LIMIT_S.

        Raises:
            PoolTimeout: no connection became free, or the server cannot be reached.
            psycopg.Error: the server rejected the work, or was lost in the middle of it.
            StoreError: the server was lost and cannot be restarted.
        """
        pool, connection = self._taken()
        try:
            with self._watchdog.limited(connection, CALL_LIMIT_S):
                return work(connection)
        finally:
            pool.putconn(connection)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _taken(self) -> tuple[ConnectionPool, psycopg.Connection]:
        deadline = time.monotonic() + _WAIT_LIMIT_S
        while True:
            pool = self._pool
            try:
                return pool, pool.getconn(timeout=_LOOK_AFTER_S)
            except PoolClosed:
                if pool is self._pool:
                    raise  # closed for good, not renewed by another thread
            except PoolTimeout:
                if time.monotonic() > deadline:
                    raise
                if self._bring_up and not _answers(self._conninfo):
                    self._renew(pool, self._bring_up)

    def _renew(self, lost: ConnectionPool, bring_up: Callable[[], str]) -> None:
        with self._guard:
            if self._pool is not lost:
                return  # another thread already has
            self._conninfo = bring_up()
            self._pool = _opened(self._conninfo)
        # In the background: its threads may be in the middle of connecting to the lost server.
        threading.Thread(target=lost.close, name="closing", daemon=True).start()


class Watchdog:
    """Cuts off connections that are used for too long: a frozen server would never answer."""

    _LOOKS_EVERY_S = 0.5

    def __init__(self) -> None:
        self._until: dict[psycopg.Connection, float] = {}
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def limited(self, connection: psycopg.Connection, limit_s: float) -> Iterator[None]:
        """Cut the connection off unless the block ends in time; whatever waits on it then fails."""
        with self._news:
            self._until[connection] = time.monotonic() + limit_s
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                with contextlib.suppress(RuntimeError):  # Python is shutting down and starts no more threads
                    self._thread.start()
            self._news.notify()
        try:
            yield
        finally:
            with self._news:
                self._until.pop(connection, None)

    def _watch(self) -> None:
        with self._news:
            while True:
                self._news.wait(self._LOOKS_EVERY_S if self._until else None)
                now = time.monotonic()
                for connection in [one for one, until in self._until.items() if until < now]:
                    del self._until[connection]
                    _cut_off(connection)


def _opened(conninfo: str) -> ConnectionPool:
    return ConnectionPool(
        conninfo, min_size=1, max_size=_POOL_SIZE, timeout=_WAIT_LIMIT_S, check=_check, open=True, name="store"
    )


def _check(connection: psycopg.Connection) -> None:
    """Check with the server only if it sent something unprompted, most likely its shutdown; otherwise this is free."""
    if select.select([connection.fileno()], [], [], 0)[0]:
        ConnectionPool.check_connection(connection)


def _answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo, connect_timeout=_CONNECT_LIMIT_S).close()
    except psycopg.OperationalError:
        return False
    return True


def _cut_off(connection: psycopg.Connection) -> None:
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
