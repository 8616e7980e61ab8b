"""The embedded database: the same calls, roles and claims as PostgREST would use, straight over psycopg."""

from __future__ import annotations

import json
import threading
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from store import cluster
from store.cluster import Cluster
from store.database import Argument, Database, Json
from store.errors import InvalidInput, StoreError, Unavailable, from_state
from store.identity import LOCAL_MACHINE, LOCAL_PERSON, Identity
from store.migrate import migrate

_POOL_SIZE = 8
_WAIT_LIMIT_S = 10.0
_BRING_UP_KEY = 0x0C05020
_STOPPED = "The embedded database is not running; start the program again."
_NO_ANSWER = (
    "The embedded database did not answer in time: it is busy, or not running. Try again, or start the program again."
)

_BECOME = """
select
    set_config('role', %s, true),
    set_config('request.jwt.claims', %s, true),
    set_config('search_path', 'public, extensions', true)
"""

# As PostgREST does, a function that promises not to write gets a transaction in which it cannot.
_READ_ONLY = "select provolatile <> 'v' from pg_proc where pronamespace = 'public'::regnamespace and proname = %s"


class EmbeddedDatabase:
    """The calls of one identity over a shared pool."""

    def __init__(self, pool: ConnectionPool, identity: Identity, read_only: dict[str, bool] | None = None) -> None:
        """Make one.

        Args:
            read_only: what is known so far of which function promises not to write; shared and added to.
        """
        self._pool = pool
        self._identity = identity
        self._read_only = {} if read_only is None else read_only

    def call(self, function: str, **arguments: Argument) -> Json:
        """See `store.database.Database.call`."""
        try:
            with self._pool.connection(timeout=_WAIT_LIMIT_S) as connection:
                return self._call(connection, function, arguments)
        except PoolTimeout as error:
            raise Unavailable(_NO_ANSWER) from error
        except psycopg.Error as error:
            raise from_error(error) from error
        except UnicodeEncodeError as error:
            raise InvalidInput from error

    def _call(self, connection: psycopg.Connection, function: str, arguments: dict[str, Argument]) -> Json:
        if function not in self._read_only:
            row = connection.execute(_READ_ONLY, [function]).fetchone()
            connection.rollback()
            self._read_only[function] = bool(row and row[0])
        connection.read_only = self._read_only[function]
        connection.execute(_BECOME, [self._identity.role, json.dumps(self._identity.claims)])
        statement = sql.SQL("select public.{}({})").format(
            sql.Identifier(function),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder()) for name in arguments
            ),
        )
        row = connection.execute(statement, [_adapt(value) for value in arguments.values()]).fetchone()
        return row[0] if row else None


class EmbeddedStore:
    """The database of one data folder, its server started on first use."""

    local = True

    def __init__(self, data_dir: Path) -> None:
        self._cluster = Cluster(data_dir)
        self._pool: ConnectionPool | None = None
        self._read_only: dict[str, bool] = {}
        self._guard = threading.Lock()

    def person(self) -> Database:
        """See `store.database.Store.person`."""
        return self.database(LOCAL_PERSON)

    def machine(self) -> Database:
        """See `store.database.Store.machine`."""
        return self.database(LOCAL_MACHINE)

    def database(self, identity: Identity) -> EmbeddedDatabase:
        """The database as `identity` sees it.

        Raises:
            Unavailable: the server cannot be started.
        """
        return EmbeddedDatabase(self._open(), identity, self._read_only)

    def close(self) -> None:
        """See `store.database.Store.close`."""
        with self._guard:
            pool, self._pool = self._pool, None
            if pool is not None:
                pool.close()
            self._cluster.leave()

    def _open(self) -> ConnectionPool:
        with self._guard:
            if self._pool is None:
                self._cluster.attach()
                bring_up(self._cluster)
                self._pool = open_pool(self._cluster.dsn(cluster.AUTHENTICATOR))
            return self._pool


def bring_up(server: Cluster, database: str = "postgres") -> None:
    """Roles, schema and local users of one database of a running server; nothing happens when all are there.

    Raises:
        SchemaTooNew: the data was last used by a newer version of this program.
        StoreError: a migration was refused, or the disk is full.
    """
    try:
        with psycopg.connect(server.dsn(cluster.SUPERUSER, database), autocommit=True) as connection:
            # Held throughout: the roles that one process makes would collide with another's migrations.
            connection.execute("select pg_advisory_lock(%s)", [_BRING_UP_KEY])
            with connection.transaction():
                connection.execute(_sql_file("bootstrap.sql"))
                for role in (cluster.OWNER, cluster.AUTHENTICATOR):
                    statement = sql.SQL("alter role {} password {}")
                    secret = sql.Literal(server.place.password)
                    connection.execute(statement.format(sql.Identifier(role), secret))
            migrate(server.dsn(cluster.OWNER, database), exclusive=True)
            connection.execute(_sql_file("local_users.sql"))
    except psycopg.Error as error:
        raise from_error(error) from error


def open_pool(conninfo: str) -> ConnectionPool:
    """A pool of connections as `authenticator`, each checked before use so that a restarted server is no error."""
    return ConnectionPool(
        conninfo,
        min_size=1,
        max_size=_POOL_SIZE,
        timeout=_WAIT_LIMIT_S,
        check=ConnectionPool.check_connection,
        open=True,
        name="store",
    )


def from_error(error: psycopg.Error) -> StoreError:
    """Our error for one of psycopg's."""
    if error.sqlstate is None:
        # Without a state it never reached the server: no connection, or a value that cannot be sent.
        return InvalidInput() if isinstance(error, psycopg.DataError) else Unavailable(_STOPPED)
    return from_state(error.sqlstate, error.diag.message_primary)


def _adapt(value: Argument) -> object:
    if isinstance(value, dict | list):
        return Jsonb(value)
    # A number goes without a type, so that the parameter's own type decides, as it does through PostgREST.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _sql_file(name: str) -> bytes:
    return files("store").joinpath(name).read_bytes()
