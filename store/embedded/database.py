"""The embedded database: the calls, roles and claims that PostgREST would use, directly through psycopg."""

from __future__ import annotations

import json
import threading
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from store.database import Argument, Database, Json
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.embedded.connections import Connections
from store.errors import InvalidInput, StoreError, Unavailable, from_state
from store.identity import LOCAL_MACHINE, LOCAL_PERSON, TOKEN_HEADER, Identity
from store.migrate import migrate

_BRING_UP_KEY = 0x0C05020
_STOPPED = "The connection to the embedded database was lost; it restarts automatically. Try again in a moment."
_NO_ANSWER = "The embedded database did not answer in time: it is busy or was suspended. Try again in a moment."
_GONE = frozenset({"57P01", "57P02", "57P03"})  # shut down, crashed, starting up

_BECOME = """
select
    set_config('role', %s, true),
    set_config('request.jwt.claims', %s, true),
    set_config('request.headers', %s, true),
    set_config('search_path', 'public, extensions', true)
"""

# As in PostgREST, a function declared not to write runs in a read-only transaction.
_READ_ONLY = "select provolatile <> 'v' from pg_proc where pronamespace = 'public'::regnamespace and proname = %s"


class EmbeddedDatabase:
    """The calls of one identity over shared connections."""

    def __init__(
        self,
        connections: Connections,
        identity: Identity,
        read_only: dict[str, bool] | None = None,
        *,
        api_token_sha256: str | None = None,
    ) -> None:
        """Create one.

        Args:
            read_only: cache of which functions are declared not to write; shared and added to.
            api_token_sha256: hash of the API token for which the orchestrator calls; None if it calls for itself.
        """
        self._connections = connections
        claims, headers = identity.claims, {TOKEN_HEADER: api_token_sha256} if api_token_sha256 else {}
        self._caller = [identity.role, json.dumps(claims), json.dumps(headers)]
        self._read_only = {} if read_only is None else read_only

    def call(self, function: str, **arguments: Argument) -> Json:
        """See `store.database.Database.call`."""
        try:
            return self._tried(function, arguments)
        except psycopg.Error as error:
            # A call that changes nothing can be repeated once the server is back.
            if not (self._read_only.get(function) and _was_lost(error)):
                raise from_error(error) from error
        try:
            return self._tried(function, arguments)
        except psycopg.Error as error:
            raise from_error(error) from error

    def _tried(self, function: str, arguments: dict[str, Argument]) -> Json:
        try:
            return self._connections.use(lambda connection: self._call(connection, function, arguments))
        except PoolTimeout as error:
            raise Unavailable(_NO_ANSWER) from error
        except UnicodeEncodeError as error:
            raise InvalidInput from error

    def _call(self, connection: psycopg.Connection, function: str, arguments: dict[str, Argument]) -> Json:
        if function not in self._read_only:
            with connection.transaction():
                row = connection.execute(_READ_ONLY, [function]).fetchone()
            self._read_only[function] = bool(row and row[0])
        connection.read_only = self._read_only[function]
        statement = sql.SQL("select public.{}({})").format(
            sql.Identifier(function),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder()) for name in arguments
            ),
        )
        with connection.transaction():
            connection.execute(_BECOME, self._caller)
            row = connection.execute(statement, [_adapt(value) for value in arguments.values()]).fetchone()
        return row[0] if row else None


class EmbeddedStore:
    """The database of one data folder; its server is started on first use and restarted whenever it is lost."""

    local = True

    def __init__(self, data_dir: Path) -> None:
        self._cluster = Cluster(data_dir)
        self._connections: Connections | None = None
        self._read_only: dict[str, bool] = {}
        self._guard = threading.Lock()

    def person(self) -> Database:
        """See `store.database.Store.person`."""
        return self.database(LOCAL_PERSON)

    def machine(self) -> Database:
        """See `store.database.Store.machine`."""
        return self.database(LOCAL_MACHINE)

    def for_api_token(self, sha256: str) -> Database:
        """See `store.database.Store.for_api_token`."""
        return EmbeddedDatabase(self._open(), LOCAL_MACHINE, self._read_only, api_token_sha256=sha256)

    def database(self, identity: Identity) -> EmbeddedDatabase:
        """The database as `identity` sees it.

        Raises:
            Unavailable: the server cannot be started.
        """
        return EmbeddedDatabase(self._open(), identity, self._read_only)

    def check(self) -> None:
        """See `store.database.Store.check`; starting it has brought everything up."""
        self.machine().call("whoami")

    def close(self) -> None:
        """See `store.database.Store.close`."""
        with self._guard:
            connections, self._connections = self._connections, None
            if connections is not None:
                connections.close()
            self._cluster.leave()

    def _open(self) -> Connections:
        with self._guard:
            if self._connections is None:
                self._connections = Connections(self._up(), bring_up=self._up)
            return self._connections

    def _up(self) -> str:
        """The libpq string of the server, which is started if it is not running."""
        self._cluster.attach()
        bring_up(self._cluster)
        return self._cluster.dsn(cluster.AUTHENTICATOR)


def bring_up(server: Cluster, database: str = "postgres") -> None:
    """Create the roles, schema and local users of one database on a running server, as far as they are missing.

    Raises:
        SchemaTooNew: the data was last used by a newer version of this program.
        StoreError: a migration failed, or the disk is full.
    """
    try:
        with psycopg.connect(server.dsn(cluster.SUPERUSER, database), autocommit=True) as connection:
            # Held throughout: creating roles in one process would collide with another's migrations.
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


def _was_lost(error: psycopg.Error) -> bool:
    """Whether the server was lost, rather than rejecting the call."""
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate in _GONE)


def from_error(error: psycopg.Error) -> StoreError:
    """Our error for a psycopg error."""
    if error.sqlstate is None or error.sqlstate in _GONE:
        # Without an SQLSTATE the call never reached the server: no connection, or a value that cannot be sent.
        return InvalidInput() if isinstance(error, psycopg.DataError) else Unavailable(_STOPPED)
    return from_state(error.sqlstate, error.diag.message_primary)


def _adapt(value: Argument) -> object:
    if isinstance(value, dict | list):
        return Jsonb(value)
    # A number is sent untyped, so that the parameter's type decides, as it does through PostgREST.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _sql_file(name: str) -> bytes:
    return files("store.embedded").joinpath(name).read_bytes()
