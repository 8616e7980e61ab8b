"""Where the embedded server's files are: in our data folder, or elsewhere if its user cannot reach that."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from store.embedded import binaries
from store.embedded.binaries import ServerUser
from store.embedded.password import password
from store.environment import OUTBOX
from store.errors import Unavailable

log = logging.getLogger(__name__)

# A socket's whole path must stay under 104 bytes on macOS; its own file name takes 22 of them.
_LONGEST_SOCKET_FOLDER = 80
# Fixed, whatever TMPDIR says: every process must find the same socket. Owners are checked before use.
_SHORT_FOLDERS = Path("/tmp")  # noqa: S108
_LASTING_FOLDERS = Path("/var/tmp")  # noqa: S108
# pg_ctl puts the path between double quotes in a shell command, libpq splits it at commas.
_REFUSED_CHARACTERS = frozenset('"$`\\,\n\r')


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one embedded server.

    Attributes:
        data_dir: our folder: lock, password, outbox. Belongs to the user who runs this program.
        home: the server's folder; inside `data_dir` unless the server's user cannot reach that.
        install: the Postgres programs.
        socket_dir: folder of the socket, 0700, the only way in.
        user: the server's user if we are root, else None.
        password: the password of every local database role.
    """

    data_dir: Path
    home: Path
    install: Path
    socket_dir: Path
    user: ServerUser | None
    password: str

    @property
    def cluster_dir(self) -> Path:
        """The folder known to Postgres as PGDATA."""
        return self.home / "postgres"

    def program(self, name: str) -> Path:
        """The path of one of Postgres' programs."""
        return self.install / "bin" / name


def prepare(data_dir: Path) -> Place:
    """The place for a data folder, with its folders created; call it under the data folder's lock.

    Raises:
        Unavailable: a folder cannot be created, or belongs to another user.
    """
    if _REFUSED_CHARACTERS & set(str(data_dir)):
        raise Unavailable(
            'The path of the data folder contains a comma, a line break or one of " $ ` \\, which Postgres cannot '
            "handle; choose another folder with ORCHESTRATOR_DATA_DIR."
        )
    user = binaries.server_user()
    try:
        home = _home(data_dir, user)
        major = home / "postgres" / "PG_VERSION"
        install = binaries.install_folder(*([major.read_text().strip()] if major.is_file() else []))
        if user and home.parent != data_dir:
            install = binaries.copy_install(install, home / "programs", user)
        secret = password(data_dir, needed=major.exists())
        return Place(data_dir, home, install, _own_folder(_socket_folder(home), user), user, secret)
    except OSError as error:
        raise unwritable(data_dir, error) from error


def remove(data_dir: Path) -> None:
    """Remove everything that the program stores: data, programs, socket, outbox; works even if it can no longer run.

    Raises:
        Unavailable: a folder belongs to another user, or cannot be removed.
    """
    try:
        home = _home(data_dir, binaries.server_user())
        shutil.rmtree(_socket_folder(home), ignore_errors=True)
        shutil.rmtree(home)
        shutil.rmtree(data_dir / OUTBOX, ignore_errors=True)
        (data_dir / "password").unlink(missing_ok=True)
        (data_dir / "elsewhere").unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(data_dir, error) from error


def unwritable(data_dir: Path, error: OSError) -> Unavailable:
    """The error for an unusable data folder."""
    return Unavailable(
        f"The data folder {data_dir} cannot be used ({error.strerror}); "
        "make it writable, or choose another folder with ORCHESTRATOR_DATA_DIR."
    )


def _home(data_dir: Path, user: ServerUser | None) -> Path:
    inside, note = data_dir / "server", data_dir / "elsewhere"
    if user is None:
        return _own_folder(inside, None)
    if note.is_file():
        return _announced(_own_folder(Path(note.read_text()), user))
    data_dir.chmod(data_dir.stat().st_mode | 0o011)
    _own_folder(inside, user)
    if binaries.can_use(inside, binaries.install_folder(), user):
        return inside
    if (inside / "postgres").exists():
        raise Unavailable(
            f"The user {user.name} can no longer access {inside}, which contains the database; make it accessible."
        )
    inside.rmdir()
    outside = _own_folder(_LASTING_FOLDERS / _short_name(data_dir), user)
    note.write_text(str(outside))
    return _announced(outside)


def _announced(home: Path) -> Path:
    log.warning("The database and its programs are in %s, because its user cannot access the data folder.", home)
    return home


def _socket_folder(home: Path) -> Path:
    near = home / "socket"
    return near if len(os.fsencode(near)) <= _LONGEST_SOCKET_FOLDER else _SHORT_FOLDERS / _short_name(home)


def _short_name(path: Path) -> str:
    return "orchestrator-console-" + hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _own_folder(path: Path, user: ServerUser | None) -> Path:
    """A folder that only the server's user can enter, created if necessary; never one that another user put there."""
    owner = (user.uid, user.gid) if user else (os.geteuid(), os.getegid())
    if not os.path.lexists(path):
        path.mkdir(mode=0o700, parents=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), owner[0]):
        raise Unavailable(
            f"The folder {path} belongs to another user; run this as that user, "
            "or choose another folder with ORCHESTRATOR_DATA_DIR."
        )
    if found.st_uid != owner[0]:
        os.chown(path, *owner)
    path.chmod(0o700)
    return path
