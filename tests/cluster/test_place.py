"""Where the files are: awkward names, unusable folders, and root, who cannot run Postgres itself."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from store import Unavailable
from store.embedded.cluster import Cluster
from tests.cluster.conftest import Person, attached, fallback_is_off, servers, sweep, switch_fallback_off


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_folder_may_have_an_ordinary_name(data_dir: Path) -> None:
    """Spaces, quotes and other scripts could have a meaning in a shell, in libpq or in Postgres's settings."""
    name = "it's naïve; 5% 数据 #1"
    switch_fallback_off(data_dir / name)
    assert fallback_is_off(data_dir / name)
    assert servers(data_dir) == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["a,b", 'a"b', "a$HOME", "a`b`", "a\\tb", "two\nlines"])
def test_a_folder_with_a_strange_name_works_or_is_named_as_the_reason(data_dir: Path, name: str) -> None:
    """pg_ctl puts the path between double quotes in a shell command, and libpq splits it at commas."""
    try:
        switch_fallback_off(data_dir / name)
        assert fallback_is_off(data_dir / name)
    except Unavailable as error:
        assert "ORCHESTRATOR_DATA_DIR" in str(error)  # noqa: PT017 - both results are fine


@pytest.fixture(name="deep_dir")
def deep_dir_fixture(data_dir: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose path is longer than a socket's may be."""
    temporary = open_folder / "t"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return data_dir / ("deep" * 20) / ("deeper" * 20)


@pytest.mark.long
def test_a_very_long_path_gets_a_socket_elsewhere(deep_dir: Path) -> None:
    """The data stays where it was requested."""
    switch_fallback_off(deep_dir)
    assert fallback_is_off(deep_dir)
    with attached(deep_dir) as server:
        assert len(os.fsencode(server.place.socket_dir)) < 80
        assert _mode(server.place.socket_dir) == 0o700
        assert server.place.cluster_dir.is_relative_to(deep_dir)


@pytest.mark.long
def test_a_reset_takes_the_socket_folder_along(deep_dir: Path) -> None:
    """Nothing is left in the folder for temporary files."""
    with attached(deep_dir) as server:
        socket_dir = server.place.socket_dir
    Cluster(deep_dir).reset()
    assert not socket_dir.exists()


@pytest.mark.long
def test_two_processes_with_different_temporary_folders_share_a_server(
    deep_dir: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A desktop session and a terminal may have different values of TMPDIR."""
    (open_folder / "u").mkdir()
    with attached(deep_dir):
        monkeypatch.setattr(tempfile, "tempdir", str(open_folder / "u"))
        with attached(deep_dir):
            assert len(servers(deep_dir)) == 1


def test_the_folders_are_ours_alone(data_dir: Path) -> None:
    """Nobody else can read the password, the data or the socket, and initdb's copy of the password is gone."""
    with attached(data_dir) as server:
        home = server.place.home
        assert _mode(data_dir / "password") == 0o600
        assert [_mode(path) for path in (home, home / "postgres", home / "socket")] == [0o700] * 3
        assert _mode(home / "postgres.log") == 0o600
        assert not (home / "password").exists()


def test_the_data_folder_is_hidden_from_others(data_dir: Path) -> None:
    """Others may at most traverse it, as the server's user must when root runs this program."""
    switch_fallback_off(data_dir)
    assert _mode(data_dir) & ~0o011 == 0o700
    assert _mode(data_dir / "lock") == 0o600


@pytest.mark.long
def test_nobody_gets_in_without_the_password(data_dir: Path) -> None:
    """Not even the server's own user gets in."""
    with attached(data_dir) as server:
        for role in ("postgres", "supabase_admin", "authenticator"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(host=str(server.place.socket_dir), user=role, password="guessed", dbname="postgres")


def test_a_path_below_a_file_is_unusable(open_folder: Path) -> None:
    """The message names the folder and says what to do."""
    (open_folder / "file").touch()
    with pytest.raises(Unavailable, match=r"file/data cannot be used .* ORCHESTRATOR_DATA_DIR\.$"):
        Cluster(open_folder / "file" / "data").attach()


@pytest.fixture(name="read_only")
def read_only_fixture(open_folder: Path) -> Iterator[Path]:
    """A folder, and one in it called `there`, that nobody can write to."""
    (open_folder / "there").mkdir(mode=0o555)
    open_folder.chmod(0o555)
    yield open_folder
    open_folder.chmod(0o755)
    (open_folder / "there").chmod(0o755)


def test_a_folder_that_may_not_be_written_is_unusable(read_only: Path, ordinary: Person) -> None:
    """Every command prints one line, whether or not the folder exists."""
    for folder, command in (("there", "dsn"), ("missing", "migrate"), ("there", "stop"), ("missing", "reset")):
        outcome = ordinary.run(read_only / folder, command)
        assert (outcome.returncode, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
        assert "cannot be used (Permission denied)" in outcome.stderr


def test_somebody_who_is_not_root_runs_it_as_themselves(open_folder: Path, ordinary: Person) -> None:
    """It is started, stopped and removed without another user's help."""
    open_folder.chmod(0o777)
    assert ordinary.run(open_folder / "data", "dsn").returncode == 0
    (server,) = servers(open_folder)
    assert server.uids().real == (os.geteuid() if ordinary.uid is None else ordinary.uid)
    assert ordinary.run(open_folder / "data", "stop").returncode == 0
    assert servers(open_folder) == []


@pytest.mark.long
def test_another_persons_data_is_not_called_removable(data_dir: Path, open_folder: Path, ordinary: Person) -> None:
    """Root in another user's data folder is refused, without the advice to remove the database."""
    if os.geteuid() != 0:
        pytest.skip("only root gets into another person's folder")
    open_folder.chmod(0o777)
    assert ordinary.run(data_dir, "dsn").returncode == 0
    assert ordinary.run(data_dir, "stop").returncode == 0
    with pytest.raises(Unavailable) as caught:
        Cluster(data_dir).attach()
    assert "remove" not in str(caught.value)


@pytest.fixture(name="hidden_dir")
def hidden_dir_fixture(open_folder: Path) -> Iterator[Path]:
    """A data folder that root can use and the server's user cannot reach."""
    if os.geteuid() != 0:
        pytest.skip("only root runs the server as another user")
    (open_folder / "hidden").mkdir(mode=0o700)
    data_dir = open_folder / "hidden" / "data"
    yield data_dir
    sweep(_outside(data_dir))
    if _outside(data_dir).is_symlink() or _outside(data_dir).is_file():
        _outside(data_dir).unlink()
    shutil.rmtree(_outside(data_dir), ignore_errors=True)


def _outside(data_dir: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path("/var/tmp") / f"orchestrator-console-{digest}"  # noqa: S108 - the location under test


@pytest.mark.long
def test_root_keeps_unreachable_data_elsewhere(hidden_dir: Path, me: Person) -> None:
    """One line says where; no folder of ours is opened to others; a second start finds the data."""
    outcome = me.run(hidden_dir, "dsn")
    assert (outcome.returncode, outcome.stderr.count("\n")) == (0, 1), outcome.stderr
    assert str(_outside(hidden_dir)) in outcome.stderr
    assert len(servers(_outside(hidden_dir))) == 1
    assert _mode(hidden_dir.parent) == 0o700
    assert me.run(hidden_dir, "stop").returncode == 0
    switch_fallback_off(hidden_dir)
    assert fallback_is_off(hidden_dir)


@pytest.mark.long
def test_a_reset_removes_what_was_kept_elsewhere(hidden_dir: Path, me: Person) -> None:
    """It removes the data and the copy of the programs."""
    assert me.run(hidden_dir, "migrate").returncode == 0
    assert me.run(hidden_dir, "reset").returncode == 0
    assert not _outside(hidden_dir).exists()


def test_a_folder_that_somebody_else_made_there_is_refused(hidden_dir: Path) -> None:
    """Its owner could change the database's programs."""
    _outside(hidden_dir).mkdir()
    os.chown(_outside(hidden_dir), 12345, 12345)
    with pytest.raises(Unavailable, match="belongs to another user"):
        Cluster(hidden_dir).attach()
    assert list(_outside(hidden_dir).iterdir()) == []


@pytest.mark.parametrize("target", ["folder", "nothing"])
def test_a_link_that_somebody_else_made_there_is_refused(hidden_dir: Path, open_folder: Path, target: str) -> None:
    """Nothing is created or changed where it points to."""
    (open_folder / "folder").mkdir(mode=0o755)
    _outside(hidden_dir).symlink_to(open_folder / target)
    with pytest.raises(Unavailable, match="orchestrator-console-"):
        Cluster(hidden_dir).attach()
    assert not (open_folder / "nothing").exists()
    assert _mode(open_folder / "folder") == 0o755
    assert list((open_folder / "folder").iterdir()) == []
