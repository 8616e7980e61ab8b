"""Separate data folders, processes that come and go, and the cleanup of whatever they leave behind."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from store import read_environment
from store.embedded.binaries import server_user
from store.embedded.cluster import Cluster
from store.embedded.database import EmbeddedStore

PROJECT = Path(__file__).resolve().parents[2]
LIMIT_S = 30.0

_VISIT = """
import signal, sys
from pathlib import Path
from store.embedded.database import EmbeddedStore
signal.alarm(60)
store = EmbeddedStore(Path(sys.argv[1]))
print(store.person().call("whoami")["role"], flush=True)
sys.stdin.read()
store.close()
"""


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true before the time limit."""
    deadline = time.monotonic() + LIMIT_S
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met


def servers(folder: Path) -> list[psutil.Process]:
    """The Postgres servers whose data is below a folder.

    A child process has its server's command line until it sets its own title.
    """
    found = [process for process in _postgres_processes(folder) if "-D" in process.cmdline()]
    return [process for process in found if process.ppid() not in {other.pid for other in found}]


def _postgres_processes(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == "postgres" and Path(process.cwd()).is_relative_to(folder.resolve()):
                yield process


def sweep(folder: Path) -> None:
    """End every Postgres process whose data is below a folder."""
    left = list(_postgres_processes(folder))
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=LIMIT_S)


def kill_server(folder: Path) -> None:
    """Kill the one server below a folder without letting it clean up."""
    (server,) = servers(folder)
    server.kill()
    server.wait(LIMIT_S)


@contextlib.contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """The one server below a folder with all its processes, suspended in the middle of whatever they are doing."""
    (server,) = servers(folder)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@contextlib.contextmanager
def attached(data_dir: Path) -> Iterator[Cluster]:
    """The server of a data folder, kept running until the end of the block."""
    server = Cluster(data_dir)
    server.attach()
    try:
        yield server
    finally:
        server.leave()


def switch_fallback_off(data_dir: Path) -> None:
    """Change something in the data from its default."""
    with contextlib.closing(EmbeddedStore(data_dir)) as store:
        store.person().call("save_settings", p_changes={"orchestrator_enable_fallback": False})


def fallback_is_off(data_dir: Path) -> bool:
    """Whether the data still contains what `switch_fallback_off` changed."""
    with contextlib.closing(EmbeddedStore(data_dir)) as store:
        found: Any = store.person().call("get_settings")
    return found["settings"]["orchestrator_enable_fallback"]["value"] is False


@pytest.fixture(name="data_dir")
def data_dir_fixture(open_folder: Path) -> Iterator[Path]:
    """A data folder that does not exist yet."""
    yield open_folder / "data"
    sweep(open_folder)


class Visitor:
    """A separate process that uses a data folder until it is told to leave."""

    def __init__(self, data_dir: Path) -> None:
        command = [sys.executable, "-c", _VISIT, str(data_dir)]
        self.process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def arrived(self) -> bool:
        """Whether it got an answer from the database; waits for it."""
        assert self.process.stdout
        return self.process.stdout.readline() == "admin\n"

    def leave(self) -> int:
        """Let it close its store; returns its exit code."""
        self.process.communicate("", timeout=LIMIT_S)
        return self.process.returncode

    def kill(self) -> None:
        """Kill it without letting it clean up."""
        self.process.kill()
        self.process.communicate()


Visit = Callable[[], Visitor]


@pytest.fixture(name="visit")
def visit_fixture(data_dir: Path) -> Iterator[Visit]:
    """Starts processes that use the data folder."""
    visitors: list[Visitor] = []

    def start() -> Visitor:
        visitors.append(Visitor(data_dir))
        return visitors[-1]

    yield start
    for visitor in visitors:
        if visitor.process.returncode is None:
            visitor.kill()


@dataclass(frozen=True)
class Person:
    """A user who runs commands: the current one unless another is named."""

    python: str = sys.executable
    uid: int | None = None
    gid: int | None = None

    def run(self, data_dir: Path | str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m store ...` over a data folder and return the finished process."""
        return self.python_run(
            "-m", "store", *arguments, environment={"ORCHESTRATOR_DATA_DIR": str(data_dir)} | environment
        )

    def python_run(self, *arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a Python that finds our packages and return the finished process."""
        packages = os.pathsep.join((sysconfig.get_path("purelib"), str(PROJECT)))
        return subprocess.run(
            [self.python, *arguments],
            cwd="/",
            env={**os.environ, "PYTHONPATH": packages, **environment},
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * LIMIT_S,
        )


@pytest.fixture(name="me")
def me_fixture() -> Person:
    """The user who runs the tests, without a hosted project in a file of this folder."""
    if "SUPABASE_DB_URL" in read_environment():
        pytest.skip("this folder is configured for a hosted project, which a test must not touch")
    return Person()


@pytest.fixture(name="ordinary")
def ordinary_fixture(me: Person) -> Person:
    """A user who is not root."""
    if os.geteuid() != 0:
        return me
    nobody = pwd.getpwnam("nobody")
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{minor}", f"/usr/local/bin/{minor}"):
        person = Person(python, nobody.pw_uid, nobody.pw_gid)
        with contextlib.suppress(OSError):
            if person.python_run("-c", "import psycopg, store", environment={}).returncode == 0:
                return person
    pytest.skip("the user nobody can run no Python here that finds our packages")


@pytest.fixture(name="bystander")
def bystander_fixture() -> Iterator[subprocess.Popen[bytes]]:
    """An unrelated process, run by the same user as the server."""
    user = server_user()
    process = subprocess.Popen(
        [shutil.which("sleep") or "sleep", "600"],
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    yield process
    process.kill()
    process.wait()


class SmallDisk:
    """A disk of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mount("size=8m,mode=0755")

    def mount(self, options: str) -> None:
        """Mount it, or remount it with other options."""
        mount = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        outcome = subprocess.run(mount, capture_output=True, text=True, check=False)
        if outcome.returncode != 0:
            pytest.skip(f"no small disk can be mounted here: {outcome.stderr.strip()}")

    def grow(self) -> None:
        """Make it large enough for a database."""
        self.mount("remount,size=200m")

    def fill(self) -> None:
        """Leave no free space at all."""
        with contextlib.suppress(OSError), (self.folder / "filling").open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass

    def clear(self) -> None:
        """Free the space again."""
        (self.folder / "filling").unlink()


@pytest.fixture(name="small_disk")
def small_disk_fixture(open_folder: Path) -> Iterator[SmallDisk]:
    """A disk of eight megabytes, if this machine lets us mount one."""
    folder = open_folder / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    disk = SmallDisk(folder)
    yield disk
    sweep(folder)
    subprocess.run([shutil.which("umount") or "umount", "-l", str(folder)], check=False)
