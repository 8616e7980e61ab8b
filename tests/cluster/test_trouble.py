"""If a server or a disk is in trouble, there is one sentence, and the data stays."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from store import Argument, StoreError, Unavailable
from store.embedded import binaries, connections
from store.embedded.cluster import SUPERUSER, Cluster
from store.embedded.database import EmbeddedStore, bring_up
from tests.cluster.conftest import (
    Person,
    SmallDisk,
    Visit,
    attached,
    eventually,
    fallback_is_off,
    frozen,
    kill_server,
    switch_fallback_off,
)


def test_a_server_that_was_killed_is_started_again(data_dir: Path) -> None:
    """The next process that needs it starts it within seconds; the data is intact."""
    switch_fallback_off(data_dir)
    with closing(EmbeddedStore(data_dir)) as first, closing(EmbeddedStore(data_dir)) as second:
        people = [first.person(), second.person()]
        for person in people:
            person.call("whoami")
        kill_server(data_dir)
        began = time.monotonic()
        for person in people:
            assert person.call("whoami")

        assert time.monotonic() - began < 15
    assert fallback_is_off(data_dir)


def test_a_server_that_is_frozen_is_waited_for_no_longer_than_the_limit(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence instead of an endless wait; afterwards everything works as before."""
    monkeypatch.setattr(connections, "CALL_LIMIT_S", 1.0)
    with closing(EmbeddedStore(data_dir)) as store:
        person = store.person()
        person.call("whoami")
        with frozen(data_dir):
            began = time.monotonic()
            with pytest.raises(Unavailable, match=r"does not answer|did not answer|was lost"):
                person.call("whoami")
            assert time.monotonic() - began < 25

        assert person.call("whoami")


@pytest.mark.long
def test_a_server_that_is_stopped_under_its_users_comes_back(data_dir: Path) -> None:
    """It is started as soon as one of them needs it."""
    with closing(EmbeddedStore(data_dir)) as store:
        person = store.person()
        assert Cluster(data_dir).stop()
        assert person.call("whoami")


@pytest.mark.long
def test_data_of_an_unknown_postgres_is_left_alone(data_dir: Path) -> None:
    """The message names its version."""
    switch_fallback_off(data_dir)
    version = data_dir / "server" / "postgres" / "PG_VERSION"
    known = version.read_text()
    version.write_text("17\n")
    with pytest.raises(Unavailable, match="Postgres 17"):
        Cluster(data_dir).attach()
    version.write_text(known)
    assert fallback_is_off(data_dir)


def test_the_log_holds_nothing_that_was_typed(data_dir: Path) -> None:
    """Postgres's own message about a rejected value quotes it."""
    calls: list[tuple[str, dict[str, Argument]]] = [
        ("get_workflow", {"p_generation_id": "typed-by-somebody"}),
        ("save_settings", {"p_changes": {"typed-by-somebody": "typed-by-somebody"}}),
        ("start_generation", {"p_generation": '{"typed-by-somebody', "p_limit_s": 1}),
    ]
    with closing(EmbeddedStore(data_dir)) as store:
        for function, arguments in calls:
            for database in (store.person(), store.machine()):
                with pytest.raises(StoreError, match=r"^(?!.*typed-by-somebody)"):
                    database.call(function, **arguments)
    assert "typed-by-somebody" not in (data_dir / "server" / "postgres.log").read_text()


@pytest.mark.long
def test_an_old_full_disk_is_no_reason_today(data_dir: Path, visit: Visit) -> None:
    """The log of an earlier start is not read as this one's."""
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
            patched.setattr("store.embedded.binaries.run", unwilling)
            with pytest.raises(Unavailable, match="could not be stopped"):
                Cluster(data_dir).reset()

        with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_message_names_no_log_that_is_not_there(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    """When initdb fails there is no log yet, so the message must say it itself."""
    broken = open_folder / "broken"
    (broken / "bin").mkdir(parents=True)
    for name in ("initdb", "postgres", "pg_ctl"):
        shutil.copy(shutil.which("false") or "/bin/false", broken / "bin" / name)
    monkeypatch.setattr("store.embedded.binaries.install_folder", lambda *major: broken)
    with pytest.raises(Unavailable, match="could not be created") as caught:
        Cluster(data_dir).attach()
    assert "postgres.log" not in str(caught.value) or (data_dir / "server" / "postgres.log").exists()


def test_a_disk_that_is_too_small_gets_one_sentence(small_disk: SmallDisk, me: Person) -> None:
    """Once there is space, the same command works."""
    outcome = me.run(small_disk.folder / "data", "migrate")
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert "disk is full" in outcome.stderr
    small_disk.grow()
    assert me.run(small_disk.folder / "data", "migrate").returncode == 0


@pytest.mark.long
def test_a_full_disk_gets_one_sentence_before_anything_is_made(small_disk: SmallDisk, me: Person) -> None:
    """Not even the password can be written; once there is space, the same command works."""
    small_disk.grow()
    small_disk.fill()
    outcome = me.run(small_disk.folder / "data", "migrate")
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert "disk is full" in outcome.stderr or "No space left" in outcome.stderr
    small_disk.clear()
    assert me.run(small_disk.folder / "data", "migrate").returncode == 0


@pytest.mark.long
def test_a_disk_that_fills_up_before_the_schema_is_made_gets_one_sentence(small_disk: SmallDisk, me: Person) -> None:
    """The server runs, but there is no space for its tables; once there is, the same command works."""
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
    """Once there is space, everything is still there."""
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
