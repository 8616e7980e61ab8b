"""Outcomes that the database would not take, kept on disk until it does."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ValidationError

log = logging.getLogger(__name__)


class _Kept(BaseModel):
    generation_id: UUID
    outcome: str


class Outbox:
    """A folder with one file per outcome, readable by its owner alone: it holds what people typed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, generation_id: UUID, outcome: str) -> None:
        """Keep an outcome safely: it is on the disk when this returns.

        Raises:
            OSError: the disk would not take it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(generation_id)
        unfinished = path.with_suffix(".unfinished")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(_Kept(generation_id=generation_id, outcome=outcome).model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
            self._sync()
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    def waiting(self) -> Iterator[tuple[UUID, str]]:
        """Every outcome that waits, in no order; a file that somebody else has just delivered is passed over."""
        for path in self._folder.glob("*.json"):
            try:
                kept = _Kept.model_validate_json(path.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, ValidationError):
                log.warning("The outbox file %s cannot be read and stays where it is.", path)
            else:
                yield kept.generation_id, kept.outcome

    def delivered(self, generation_id: UUID) -> None:
        """Forget an outcome that has arrived."""
        self._path(generation_id).unlink(missing_ok=True)

    def _sync(self) -> None:
        """Make sure that the folder remembers its new name for a file."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, generation_id: UUID) -> Path:
        return self._folder / f"{generation_id}.json"
