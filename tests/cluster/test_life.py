"""Made, started, shared, stopped by the last one out; what a kill leaves behind, the next start puts in order."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from store import Argument, StoreError, Unavailable, binaries
from store.cluster import SUPERUSER, Cluster
from store.embedded import EmbeddedStore, bring_up
from tests.cluster.conftest import (
    Person,
    SmallDisk,
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
    """A folder that is not there becomes a database with the schema in it, and a clean stop leaves no server."""
    assert not fallback_is_off(data_dir)
    assert (data_dir / "server" / "postgres" / "PG_VERSION").is_file()
    assert servers(data_dir) == []


def test_the_data_survives_a_stop(data_dir: Path) -> None:
    """What one run wrote, the next run reads."""
    switch_fallback_off(data_dir)
    assert fallback_is_off(data_dir)


@pytest.mark.long
def test_a_second_process_uses_the_same_server(data_dir: Path, visit: Visit) -> None:
    """It does not start one of its own."""
    first = visit()
    assert first.arrived()
    (server,) = servers(data_dir)
    second = visit()
    assert second.arrived()
    assert servers(data_dir) == [server]


def test_the_last_one_out_stops_the_server(data_dir: Path, visit: Visit) -> None:
    """The first one to leave does not, although it was the one that started it."""
    first, second = visit(), visit()
    assert first.arrived()
    assert second.arrived()
    assert first.leave() == 0
    assert len(servers(data_dir)) == 1
    assert second.leave() == 0
    assert servers(data_dir) == []


@pytest.mark.long
def test_three_processes_may_start_at_once(data_dir: Path, visit: Visit) -> None:
    """On a folder that is not there, all three are served by one server."""
    visitors = [visit(), visit(), visit()]
    assert all(visitor.arrived() for visitor in visitors)
    assert len(servers(data_dir)) == 1
    assert [visitor.leave() for visitor in visitors] == [0, 0, 0]
    assert servers(data_dir) == []


@pytest.mark.long
def test_a_killed_process_counts_as_gone(data_dir: Path, visit: Visit) -> None:
    """Its server runs on; the next process uses it and stops it."""
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
    """The process and the server die at once; the next start recovers what was written."""
    killed = visit()
    assert killed.arrived()
    switch_fallback_off(data_dir)
    killed.kill()
    kill_server(data_dir)
    assert fallback_is_off(data_dir)


@pytest.mark.long
def test_a_query_that_outlives_its_server_is_waited_for(data_dir: Path, visit: Visit) -> None:
    """Its process holds the old server's memory for a moment, in which no new one can start."""
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
    """When one of its processes is killed, Postgres drops every connection and carries on."""
    with closing(EmbeddedStore(data_dir)) as store:
        store.person().call("whoami")
        _crash_a_backend(data_dir)
        assert eventually(lambda: _answers(store))
    assert servers(data_dir) == []


@pytest.mark.long
def test_a_server_that_lost_its_connections_is_not_stopped_under_its_users(data_dir: Path) -> None:
    """Somebody else who comes and goes is not the last one out."""
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


def test_a_reused_process_id_is_not_taken_for_the_server(
    data_dir: Path, visit: Visit, bystander: subprocess.Popen[bytes]
) -> None:
    """After a reboot the id in postmaster.pid may be anybody's; they are left alone and the server starts."""
    _leave_pid_file(data_dir, visit, bystander.pid)
    assert not fallback_is_off(data_dir)
    assert servers(data_dir) == []
    assert bystander.poll() is None


@pytest.mark.long
def test_stopping_does_not_signal_a_reused_process_id(
    data_dir: Path, visit: Visit, bystander: subprocess.Popen[bytes]
) -> None:
    """`stop` finds no server of ours and says so."""
    _leave_pid_file(data_dir, visit, bystander.pid)
    stopped = Cluster(data_dir).stop()
    assert bystander.poll() is None
    assert not stopped


def _leave_pid_file(data_dir: Path, visit: Visit, pid: int) -> None:
    """What a killed server leaves behind, its process id now somebody else's."""
    killed = visit()
    assert killed.arrived()
    killed.kill()
    kill_server(data_dir)
    path = data_dir / "server" / "postgres" / "postmaster.pid"
    path.write_text("\n".join([str(pid), *path.read_text().split("\n")[1:]]))
    for lock in (data_dir / "server" / "socket").glob("*.lock"):
        lock.write_text("\n".join([str(pid), *lock.read_text().split("\n")[1:]]))


@pytest.mark.long
def test_an_empty_process_id_file_is_a_dead_servers(data_dir: Path, visit: Visit) -> None:
    """A machine that loses its power can leave the file with nothing in it."""
    killed = visit()
    assert killed.arrived()
    killed.kill()
    kill_server(data_dir)
    (data_dir / "server" / "postgres" / "postmaster.pid").write_text("")
    assert visit().arrived()


@pytest.mark.long
def test_a_start_that_was_killed_half_way_is_repaired(data_dir: Path, visit: Visit) -> None:
    """The next start throws the unfinished data away, even while the killed start's initdb is still at work."""
    killed = visit()
    assert eventually(lambda: list((data_dir / "server").glob("postgres.unfinished-*/base")) != [])
    killed.kill()
    following = visit()
    assert following.arrived()
    assert following.leave() == 0
    assert list((data_dir / "server").glob("postgres.unfinished*")) == []


@pytest.mark.long
def test_an_unfinished_folder_is_thrown_away(data_dir: Path) -> None:
    """Whatever lies in it."""
    leftover = data_dir / "server" / "postgres.unfinished" / "base"
    leftover.mkdir(parents=True)
    (leftover / "1").write_text("half a page")
    assert not fallback_is_off(data_dir)


def test_a_password_that_was_never_written_is_made_again(data_dir: Path) -> None:
    """A start that was killed, or found the disk full, right after creating the file left it empty."""
    data_dir.mkdir()
    (data_dir / "password").touch(mode=0o600)
    assert not fallback_is_off(data_dir)
    assert len((data_dir / "password").read_text()) > 16


def test_a_folder_may_be_moved_between_two_runs(data_dir: Path) -> None:
    """The data does not know where it lies."""
    switch_fallback_off(data_dir)
    moved = data_dir.with_name("another name")
    data_dir.rename(moved)
    assert fallback_is_off(moved)
    assert not data_dir.exists()


@pytest.mark.long
def test_a_folder_may_be_moved_under_a_running_server(data_dir: Path, visit: Visit) -> None:
    """The next process finds the server where the folder is now."""
    killed = visit()
    assert killed.arrived()
    switch_fallback_off(data_dir)
    killed.kill()
    moved = data_dir.with_name("moved")
    data_dir.rename(moved)
    assert fallback_is_off(moved)
    assert servers(moved) == []


@pytest.mark.long
def test_a_server_may_be_asked_to_stay(data_dir: Path) -> None:
    """Then the last one out leaves it, until it is stopped."""
    server = Cluster(data_dir)
    server.attach()
    server.keep_running()
    server.leave()
    assert len(servers(data_dir)) == 1
    assert server.stop()
    assert servers(data_dir) == []
    assert not server.stop()


@pytest.mark.long
def test_a_server_that_is_stopped_under_its_users_is_unavailable(data_dir: Path) -> None:
    """They get a sentence for it, and can still be closed."""
    with closing(EmbeddedStore(data_dir)) as store:
        person = store.person()
        assert Cluster(data_dir).stop()
        with pytest.raises(Unavailable, match="not running"):
            person.call("whoami")


@pytest.mark.long
def test_data_of_an_unknown_postgres_is_left_alone(data_dir: Path) -> None:
    """The sentence names its version."""
    switch_fallback_off(data_dir)
    version = data_dir / "server" / "postgres" / "PG_VERSION"
    known = version.read_text()
    version.write_text("17\n")
    with pytest.raises(Unavailable, match="Postgres 17"):
        Cluster(data_dir).attach()
    version.write_text(known)
    assert fallback_is_off(data_dir)


def test_the_log_holds_nothing_that_was_typed(data_dir: Path) -> None:
    """Postgres' own message about a refused value repeats it."""
    calls: list[tuple[str, dict[str, Argument]]] = [
        ("get_workflow", {"p_generation_id": "typed-by-somebody"}),
        ("save_settings", {"p_changes": {"typed-by-somebody": "typed-by-somebody"}}),
        ("start_generation", {"p_run": '{"typed-by-somebody', "p_limit_s": 1}),
    ]
    with closing(EmbeddedStore(data_dir)) as store:
        for function, arguments in calls:
            for database in (store.person(), store.machine()):
                with pytest.raises(StoreError, match=r"^(?!.*typed-by-somebody)"):
                    database.call(function, **arguments)
    assert "typed-by-somebody" not in (data_dir / "server" / "postgres.log").read_text()


@pytest.mark.long
def test_an_old_full_disk_is_no_reason_today(data_dir: Path, visit: Visit) -> None:
    """The log of an earlier run is not read as this run's."""
    assert visit().leave() == 0
    with (data_dir / "server" / "postgres.log").open("a") as log:
        log.write("PANIC:  could not write to file: No space left on device\n")
    (data_dir / "server" / "postgres" / "postgresql.conf").write_text("no setting\n")
    with pytest.raises(Unavailable, match="could not be started") as caught:
        Cluster(data_dir).attach()
    assert "disk" not in str(caught.value)


def test_data_under_a_server_that_does_not_stop_is_left_alone(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reset that cannot stop the server says so and removes nothing."""
    run = binaries.run

    def unwilling(command: Sequence[str | Path], user: Any, **given: Any) -> subprocess.CompletedProcess[str]:
        done = run(command, user, **given) if "stop" not in command else None
        return done or subprocess.CompletedProcess([], 1, "", "pg_ctl: server does not shut down")

    with attached(data_dir) as cluster:
        with monkeypatch.context() as patched:
            patched.setattr("store.binaries.run", unwilling)
            with pytest.raises(Unavailable, match="could not be stopped"):
                Cluster(data_dir).reset()

        with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_message_names_no_log_that_is_not_there(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    """When initdb fails there is none yet, so the sentence has to say it itself."""
    broken = open_folder / "broken"
    (broken / "bin").mkdir(parents=True)
    for name in ("initdb", "postgres", "pg_ctl"):
        shutil.copy(shutil.which("false") or "/bin/false", broken / "bin" / name)
    monkeypatch.setattr("store.binaries.install_folder", lambda *major: broken)
    with pytest.raises(Unavailable, match="could not be made") as caught:
        Cluster(data_dir).attach()
    assert "postgres.log" not in str(caught.value) or (data_dir / "server" / "postgres.log").exists()


def test_a_disk_that_is_too_small_gets_one_sentence(small_disk: SmallDisk, me: Person) -> None:
    """With room made, the same command works."""
    outcome = me.run(small_disk.folder / "data", "migrate")
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert "disk is full" in outcome.stderr
    small_disk.grow()
    assert me.run(small_disk.folder / "data", "migrate").returncode == 0


@pytest.mark.long
def test_a_full_disk_gets_one_sentence_before_anything_is_made(small_disk: SmallDisk, me: Person) -> None:
    """Not even the password can be written; with room made, the same command works."""
    small_disk.grow()
    small_disk.fill()
    outcome = me.run(small_disk.folder / "data", "migrate")
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert "disk is full" in outcome.stderr or "No space left" in outcome.stderr
    small_disk.clear()
    assert me.run(small_disk.folder / "data", "migrate").returncode == 0


@pytest.mark.long
def test_a_disk_that_fills_up_before_the_schema_is_made_gets_one_sentence(small_disk: SmallDisk, me: Person) -> None:
    """The server runs, but its tables find no room; with room made, the same command works."""
    small_disk.grow()
    with attached(small_disk.folder / "data") as server:
        small_disk.fill()
        outcome = me.run(server.data_dir, "migrate")
        small_disk.clear()
        assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
        assert "disk" in outcome.stderr
        bring_up(server)


@pytest.mark.long
def test_a_start_on_a_full_disk_gets_one_sentence_and_keeps_the_data(small_disk: SmallDisk, me: Person) -> None:
    """With room made, everything is still there."""
    small_disk.grow()
    switch_fallback_off(small_disk.folder / "data")
    small_disk.fill()
    outcome = me.run(small_disk.folder / "data", "migrate")
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert "disk is full" in outcome.stderr
    small_disk.clear()
    assert fallback_is_off(small_disk.folder / "data")


@pytest.mark.long
def test_a_zombie_is_a_dead_server(data_dir: Path, visit: Visit) -> None:
    """A container without a reaper keeps the killed server's entry in the process table."""
    killed = visit()
    assert killed.arrived()
    killed.kill()
    kill_server(data_dir)
    zombie = subprocess.Popen([shutil.which("true") or "true"])
    assert eventually(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
    path = data_dir / "server" / "postgres" / "postmaster.pid"
    path.write_text("\n".join([str(zombie.pid), *path.read_text().split("\n")[1:]]))
    assert visit().arrived()
    zombie.wait()
