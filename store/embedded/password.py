"""The password of the embedded database's roles: random, stored in the data folder, readable only by us."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from store.errors import Unavailable


def password(data_dir: Path, *, needed: bool) -> str:
    """The password, created on first use and written to disk atomically.

    Args:
        needed: whether there is already a database, which a new password could not open.

    Raises:
        Unavailable: the file is missing or empty, and there is a database that needs it.
        OSError: the file cannot be written.
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
