"""Where the embedded server's files lie: beside our own, or apart when its user cannot reach those."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from store import binaries
from store.binaries import ServerUser
from store.errors import Unavailable

log = logging.getLogger(__name__)

# A socket's whole path must stay under 104 bytes on macOS; its own file name takes 22 of them.
_LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one embedded server.

    Attributes:
        data_dir: our folder: lock, password, outbox. Belongs to whoever runs this program.
        home: the server's folder; inside `data_dir` unless its user cannot reach that.
        install: the Postgres programs.
        socket_dir: folder of the socket, 0700, the only way in.
        user: the server's user when we are root.
    """

    data_dir: Path
    home: Path
    install: Path
    socket_dir: Path
    user: ServerUser | None

    @property
    def cluster_dir(self) -> Path:
        """The folder that Postgres calls PGDATA."""
        return self.home / "postgres"

    def program(self, name: str) -> Path:
        """The path of one of Postgres' programs."""
        return self.install / "bin" / name

    def password(self) -> str:
        """The password of every local database role; made on first use, readable by us alone."""
        path = self.data_dir / "password"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text()
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
        return path.read_text()


def prepare(data_dir: Path) -> Place:
    """The place for a data folder, its folders made; run it under the data folder's lock.

    Raises:
        Unavailable: a folder cannot be made, or belongs to somebody else.
    """
    user = binaries.server_user()
    try:
        home = _home(data_dir, user)
        major = home / "postgres" / "PG_VERSION"
        install = binaries.install_folder(*([major.read_text().strip()] if major.is_file() else []))
        if user and home.parent != data_dir:
            install = binaries.copy_install(install, home / "programs", user)
        return Place(data_dir, home, install, _socket_folder(home, user), user)
    except OSError as error:
        raise unwritable(data_dir, error) from error


def unwritable(data_dir: Path, error: OSError) -> Unavailable:
    """The sentence for a data folder that cannot be used."""
    return Unavailable(
        f"The data folder {data_dir} cannot be used ({error.strerror}); "
        "make it writable, or choose another with ORCHESTRATOR_DATA_DIR."
    )


def _home(data_dir: Path, user: ServerUser | None) -> Path:
    inside = data_dir / "server"
    if user is None:
        return _own_folder(inside, None)
    outside = Path("/var/tmp") / _short_name(data_dir)  # noqa: S108 - its owner is checked before use
    if outside.exists() and not inside.exists():
        return _announced(_own_folder(outside, user))
    data_dir.chmod(data_dir.stat().st_mode | 0o011)
    _own_folder(inside, user)
    if binaries.can_use(inside, binaries.install_folder(), user):
        return inside
    if (inside / "postgres").exists():
        raise Unavailable(
            f"The user {user.name} can no longer reach {inside}, which holds the database; make it reachable."
        )
    inside.rmdir()
    return _announced(_own_folder(outside, user))


def _announced(home: Path) -> Path:
    log.warning("The database and its programs are kept in %s, since its user cannot reach this folder.", home)
    return home


def _socket_folder(home: Path, user: ServerUser | None) -> Path:
    near = home / "socket"
    if len(os.fsencode(near)) <= _LONGEST_SOCKET_FOLDER:
        return _own_folder(near, user)
    return _own_folder(Path(tempfile.gettempdir()) / _short_name(home), user)


def _short_name(path: Path) -> str:
    return "orchestrator-console-" + hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _own_folder(path: Path, user: ServerUser | None) -> Path:
    """A folder that the server's user alone can enter, made if need be; never one that somebody else put there."""
    owner = (user.uid, user.gid) if user else (os.geteuid(), os.getegid())
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), owner[0]):
        raise Unavailable(f"The folder {path} belongs to another user; remove it and start again.")
    if found.st_uid != owner[0]:
        os.chown(path, *owner)
    path.chmod(0o700)
    return path
