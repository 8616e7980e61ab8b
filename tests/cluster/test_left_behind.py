"""The next start cleans up what a kill or a move left behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from store.embedded.cluster import Cluster
from tests.cluster.conftest import Visit, eventually, fallback_is_off, kill_server, servers, switch_fallback_off


def test_a_reused_process_id_is_not_taken_for_the_server(
    data_dir: Path, visit: Visit, bystander: subprocess.Popen[bytes]
) -> None:
    """After a reboot, the id in postmaster.pid may be any process's; it is left alone, and the server starts."""
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
    """Leave what a killed server leaves behind, with its process id now in use by another process."""
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
    """A power cut can leave the file empty."""
    killed = visit()
    assert killed.arrived()
    killed.kill()
    kill_server(data_dir)
    (data_dir / "server" / "postgres" / "postmaster.pid").write_text("")
    assert visit().arrived()


@pytest.mark.long
def test_a_start_that_was_killed_half_way_is_repaired(data_dir: Path, visit: Visit) -> None:
    """The next start discards the unfinished data, even while the killed start's initdb is still running."""
    killed = visit()
    assert eventually(lambda: list((data_dir / "server").glob("postgres.unfinished-*/base")) != [])
    killed.kill()
    following = visit()
    assert following.arrived()
    assert following.leave() == 0
    assert list((data_dir / "server").glob("postgres.unfinished*")) == []


@pytest.mark.long
def test_an_unfinished_folder_is_thrown_away(data_dir: Path) -> None:
    """This holds whatever it contains."""
    leftover = data_dir / "server" / "postgres.unfinished" / "base"
    leftover.mkdir(parents=True)
    (leftover / "1").write_text("half a page")
    assert not fallback_is_off(data_dir)


def test_a_password_that_was_never_written_is_made_again(data_dir: Path) -> None:
    """A start that was killed, or ran out of disk space, right after creating the file left it empty."""
    data_dir.mkdir()
    (data_dir / "password").touch(mode=0o600)
    assert not fallback_is_off(data_dir)
    assert len((data_dir / "password").read_text()) > 16


def test_a_folder_may_be_moved_between_two_runs(data_dir: Path) -> None:
    """The data does not depend on its location."""
    switch_fallback_off(data_dir)
    moved = data_dir.with_name("another name")
    data_dir.rename(moved)
    assert fallback_is_off(moved)
    assert not data_dir.exists()


@pytest.mark.long
def test_a_folder_may_be_moved_under_a_running_server(data_dir: Path, visit: Visit) -> None:
    """The next process finds the server in the folder's new location."""
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
    """The last process to leave then does not stop it; `stop` does."""
    server = Cluster(data_dir)
    server.attach()
    server.keep_running()
    server.leave()
    assert len(servers(data_dir)) == 1
    assert server.stop()
    assert servers(data_dir) == []
    assert not server.stop()
