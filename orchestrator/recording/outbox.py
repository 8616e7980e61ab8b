"""The outbox: records that the database did not accept, kept on disk until it does."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ValidationError

log = logging.getLogger(__name__)

Kind = Literal["outcome", "progress"]
"""How a generation ended, or what to record if its process dies before that."""

_ENDINGS: dict[Kind, str] = {"outcome": ".json", "progress": ".progress.json"}
_SET_ASIDE = ".refused"


class _Kept(BaseModel):
    generation_id: UUID
    outcome: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One waiting record.

    Attributes:
        text: the argument for the database, unchanged.
    """

    generation_id: UUID
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How much is in an outbox.

    Attributes:
        waiting: number of records waiting for the database.
        set_aside: number of records that were unreadable or that the database rejected for good.
    """

    waiting: int
    set_aside: int


class Outbox:
    """A folder with one file per waiting record, readable only by its owner: it contains what people typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, generation_id: UUID, text: str, kind: Kind = "outcome") -> None:
        """Keep a record safely: it is on disk when this returns.

        Raises:
            OSError: it could not be written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(generation_id, kind)
        unfinished = path.with_suffix(".unfinished")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(_Kept(generation_id=generation_id, outcome=text).model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
            self._sync()
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    def waiting(self) -> Iterator[Waiting]:
        """All waiting records, oldest first; those that cannot be read are set aside.

        A file that another process has just delivered is skipped.
        """
        for path in sorted(self.folder.glob("*.json"), key=_age):
            kind: Kind = "progress" if path.name.endswith(_ENDINGS["progress"]) else "outcome"
            try:
                kept = _Kept.model_validate_json(path.read_bytes())
            except FileNotFoundError:
                continue
            except OSError as error:
                log.warning("The outbox file %s cannot be read now: %s", path, error.strerror)
            except ValidationError:
                self._set_aside(path, "it is damaged")
            else:
                yield Waiting(kept.generation_id, kind, kept.outcome)

    def delivered(self, generation_id: UUID, kind: Kind = "outcome") -> None:
        """Remove a record that was delivered."""
        self._path(generation_id, kind).unlink(missing_ok=True)

    def refused(self, waiting: Waiting, why: Exception) -> None:
        """Set aside a record that the database will never accept."""
        self._set_aside(self._path(waiting.generation_id, waiting.kind), str(why))

    def state(self) -> OutboxState:
        """How much is in the outbox; nothing if there is no folder."""
        set_aside = sum(1 for _ in self.folder.glob(f"*{_SET_ASIDE}"))
        return OutboxState(sum(1 for _ in self.folder.glob("*.json")), set_aside)

    def _set_aside(self, path: Path, why: str) -> None:
        aside = path.with_name(path.name + _SET_ASIDE)
        try:
            path.rename(aside)
        except OSError as error:
            log.warning("The outbox file %s cannot be set aside: %s", path, error.strerror)
        else:
            log.warning("%s was set aside in the outbox: %s", aside, why)

    def _sync(self) -> None:
        """Flush the folder, so that the renamed file survives a crash."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, generation_id: UUID, kind: Kind) -> Path:
        return self.folder / f"{generation_id}{_ENDINGS[kind]}"


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name
