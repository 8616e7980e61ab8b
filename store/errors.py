"""What can go wrong between this program and its database.

StoreError                  store_error         the database refused for a reason that has no class below
├── Unavailable             store_unavailable   no database answered, or it is full, or its schema is not there
│   ├── SchemaTooNew        schema_too_new      the data was last used by a newer version of this program
│   ├── SchemaTooOld        schema_too_old      the data is of a version before the first release
│   └── MigrationEdited     migration_edited    a migration differs from what was applied under its name
├── NotSignedIn             not_signed_in       no identity, or one that has expired or was refused
├── NotPermitted            not_permitted       this identity may not do this
├── Conflict                conflict            somebody else changed it first
├── UnreadableAnswer        unreadable_answer   the database answers as another version would
└── InvalidInput            invalid_input       a value was refused, by the database or before it was asked

The driver's or library's error stays in `__cause__` where it holds no secret. A message repeats nothing that was
sent but names and e-mail addresses.
"""

from __future__ import annotations

import re
from typing import ClassVar


class StoreError(Exception):
    """The database refused the call."""

    code: ClassVar[str] = "store_error"
    sentence: ClassVar[str] = "The database refused the call."
    """What is said where nothing more is known; no docstring, which Python may be told to leave out."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.sentence)


class Unavailable(StoreError):
    """No answer, or none that is of use."""

    code = "store_unavailable"
    sentence = "The database did not answer."


class SchemaTooNew(Unavailable):
    """Data of a later version."""

    code = "schema_too_new"
    sentence = (
        "The data was last used by a newer version of this program; update it, or choose another ORCHESTRATOR_DATA_DIR."
    )


class SchemaTooOld(Unavailable):
    """Data of a version that no migration starts from."""

    code = "schema_too_old"
    sentence = (
        "This database was made by a version before the first release, which cannot be upgraded. Start afresh: "
        "python -m store reset removes an embedded database, supabase db reset --linked a project's."
    )


class MigrationEdited(Unavailable):
    """A migration that says something else than when it was applied."""

    code = "migration_edited"
    sentence = "A migration was edited after it had been applied; restore the file and put the change into a new one."


class NotSignedIn(StoreError):
    """No identity, or one that was refused."""

    code = "not_signed_in"
    sentence = "Nobody is signed in, or the session has expired; sign in again."


class NotPermitted(StoreError):
    """An identity without the permission."""

    code = "not_permitted"
    sentence = "You do not have permission for this."


class Conflict(StoreError):
    """Two changes of the same thing."""

    code = "conflict"
    sentence = "Somebody else changed this first; load it again and repeat your change."


class UnreadableAnswer(StoreError):
    """An answer of another version."""

    code = "unreadable_answer"
    sentence = "The database is of another version than this program; run: python -m store migrate"


class InvalidInput(StoreError):
    """A value that cannot be taken."""

    code = "invalid_input"
    sentence = "A value was refused: by the database's own checks, or before it was asked."


# What supabase-py gives as the code of an answer that is not PostgREST's.
_HTTP_STATUS = re.compile(r"\d{3}")

_MISSING_SCHEMA = "The database does not have this version's tables and functions; run: python -m store migrate"
_FULL = "The disk of the database is full; free some space and try again."

# Longest prefix first: a five-character state wins over its two-character class.
_BY_STATE: dict[str, tuple[type[StoreError], str | None]] = {
    "PT401": (NotSignedIn, None),
    "PGRST301": (NotSignedIn, None),
    "PGRST302": (NotSignedIn, None),
    "PGRST303": (NotSignedIn, None),
    "PT403": (NotPermitted, None),
    "42501": (NotPermitted, None),
    "PT409": (Conflict, None),
    "23505": (Conflict, None),
    "PGRST202": (Unavailable, _MISSING_SCHEMA),
    "PGRST205": (Unavailable, _MISSING_SCHEMA),
    "42883": (Unavailable, _MISSING_SCHEMA),
    "42P01": (Unavailable, _MISSING_SCHEMA),
    "3F000": (Unavailable, _MISSING_SCHEMA),
    "53100": (Unavailable, _FULL),
    "57014": (Unavailable, "The database took too long to answer; try again."),
    "P0001": (InvalidInput, None),
    "PT400": (InvalidInput, None),
    "22": (InvalidInput, None),
    "23": (InvalidInput, None),
    "40": (Conflict, None),
    "08": (Unavailable, None),
    "53": (Unavailable, None),
    "57": (Unavailable, None),
    "58": (Unavailable, None),
    "PGRST0": (Unavailable, None),
}

# States that only our own SQL functions raise: their message is written for people.
_OWN_STATES = frozenset({"PT400", "PT401", "PT403", "PT409"})


def from_state(state: str | None, message: str | None) -> StoreError:
    """The error of an SQLSTATE or PostgREST code; its own message only where our SQL wrote it.

    Args:
        state: five characters such as `42501`, a `PGRST` code, an HTTP status, or None when there was none.
        message: the database's primary message.
    """
    if not state or _HTTP_STATUS.fullmatch(state):
        return Unavailable()
    for length in (8, 6, 5, 2):
        if found := _BY_STATE.get(state[:length]):
            kind, text = found
            return kind(message if state in _OWN_STATES else text)
    return StoreError(f"The database refused the call ({state}).")
