"""The server is created, started, shared, and stopped by the last process to leave."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from store import Unavailable
from store.embedded.database import EmbeddedStore
from tests.cluster.conftest import (
    Visit,
    attached,
    eventually,
    fallback_is_off,
    kill_server,
    servers,
    switch_fallback_off,
)


@pytest.mark.long
def test_the_first_start_makes_the_data(data_dir: Path) -> None:
    """A missing folder becomes a database with the schema in it, and a clean exit leaves no server running."""
    assert not fallback_is_off(data_dir)
    assert (data_dir / "server" / "postgres" / "PG_VERSION").is_file()
    assert servers(data_dir) == []


def test_the_data_survives_a_stop(data_dir: Path) -> None:
    """What one process wrote, the next one reads."""
    switch_fallback_off(data_dir)
    assert fallback_is_off(data_dir)


@pytest.mark.long
def test_a_second_process_uses_the_same_server(data_dir: Path, visit: Visit) -> None:
    """It does not start its own server."""
    first = visit()
    assert first.arrived()
    (server,) = servers(data_dir)
    second = visit()
    assert second.arrived()
    assert servers(data_dir) == [server]


def test_the_last_one_out_stops_the_server(data_dir: Path, visit: Visit) -> None:
    """The first process to leave does not stop it, even though it started it."""
    first, second = visit(), visit()
    assert first.arrived()
    assert second.arrived()
    assert first.leave() == 0
    assert len(servers(data_dir)) == 1
    assert second.leave() == 0
    assert servers(data_dir) == []


@pytest.mark.long
def test_three_processes_may_start_at_once(data_dir: Path, visit: Visit) -> None:
    """On a missing folder, all three are served by one server."""
    visitors = [visit(), visit(), visit()]
    assert all(visitor.arrived() for visitor in visitors)
    assert len(servers(data_dir)) == 1
    assert [visitor.leave() for visitor in visitors] == [0, 0, 0]
    assert servers(data_dir) == []


@pytest.mark.long
def test_a_killed_process_counts_as_gone(data_dir: Path, visit: Visit) -> None:
    """Its server keeps running; the next process uses it and stops it."""
    killed = visit()
    assert killed.arrived()
    (server,) = servers(data_dir)
    killed.kill()
    following = visit()
    assert following.arrived()
    assert servers(data_dir) == [server]
    assert following.leave() == 0
    assert servers(data_dir) == []


def test_nothing_is_lost_when_everything_is_killed(data_dir: Path, visit: Visit) -> None:
    """The process and the server die at the same time; the next start recovers what was written."""
    killed = visit()
    assert killed.arrived()
    switch_fallback_off(data_dir)
    killed.kill()
    kill_server(data_dir)
    assert fallback_is_off(data_dir)


@pytest.mark.long
def test_a_query_that_outlives_its_server_is_waited_for(data_dir: Path, visit: Visit) -> None:
    """Its process holds the old server's memory for a moment, during which no new one can start."""
    killed = visit()
    assert killed.arrived()
    with attached(data_dir) as server, closing(psycopg.connect(server.dsn(), autocommit=True)) as busy:
        busy.execute("set statement_timeout = '4s'")
        busy.pgconn.send_query(b"select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b")
        killed.kill()
        kill_server(data_dir)
        assert visit().arrived()


@pytest.mark.long
def test_the_last_one_out_stops_a_server_that_lost_its_connections(data_dir: Path) -> None:
    """When one of its processes is killed, Postgres drops every connection and continues."""
    with closing(EmbeddedStore(data_dir)) as store:
        store.person().call("whoami")
        _crash_a_backend(data_dir)
        assert eventually(lambda: _answers(store))
    assert servers(data_dir) == []


@pytest.mark.long
def test_a_server_that_lost_its_connections_is_not_stopped_under_its_users(data_dir: Path) -> None:
    """Another process that comes and goes is not the last to leave."""
    with closing(EmbeddedStore(data_dir)) as store:
        store.person().call("whoami")
        _crash_a_backend(data_dir)
        assert eventually(lambda: _answers(store))
        fallback_is_off(data_dir)
        assert len(servers(data_dir)) == 1
        assert _answers(store)


def _crash_a_backend(data_dir: Path) -> None:
    with attached(data_dir) as other, psycopg.connect(other.dsn(), autocommit=True) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")


def _answers(store: EmbeddedStore) -> bool:
    try:
        return store.person().call("whoami") is not None
    except Unavailable:
        return False
