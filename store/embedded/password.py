"""The password of the embedded database's roles: random, kept in the data folder, readable by us alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from store.errors import Unavailable


def password(data_dir: Path, *, needed: bool) -> str:
    """The password, made on first use; it is on the disk whole or not at all.

    Args:
        needed: whether there is a database already, which another password would lock for good.

    Raises:
        Unavailable: the file is gone or empty, and there is a database that needs it.
        OSError: it cannot be written.
    """
    path = data_dir / "password"
    if path.is_file() and (kept := path.read_text().strip()):
        return kept
    if needed:
        raise Unavailable(
            f"The file {path} is missing, and the database needs it; restore it, "
            "or remove the database and its data with: python -m store reset"
        )
    made, unfinished = secrets.token_urlsafe(24), path.with_suffix(".unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    return made
