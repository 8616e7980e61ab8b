"""What can go wrong between this program and its database.

StoreError                  store_error         the database rejected the call for a reason without a class below
├── Unavailable             store_unavailable   the database did not answer, is full, or lacks the schema
│   ├── TooManyRequests     too_many_requests   too many requests in a short time; the same one works later
│   ├── SetupIncomplete     setup_incomplete    a migration, a role or a user is missing; the message says which
│   ├── SchemaTooNew        schema_too_new      the data was last used by a newer version of this program
│   ├── SchemaTooOld        schema_too_old      the data is from a version before the first release
│   └── MigrationEdited     migration_edited    a migration was edited after it had been applied
├── NotSignedIn             not_signed_in       no identity, or one that has expired or was rejected
├── NotPermitted            not_permitted       this identity lacks the permission
├── Conflict                conflict            somebody else changed it first
├── UnreadableAnswer        unreadable_answer   the database answered as another version would
└── InvalidInput            invalid_input       a value was rejected, by the database or before calling it

The driver's or library's error stays in `__cause__` if it contains no secret. Of what was sent, a message repeats
only names and e-mail addresses.
"""

from __future__ import annotations

import re
from typing import ClassVar


class StoreError(Exception):
    """The database rejected the call."""

    code: ClassVar[str] = "store_error"
    sentence: ClassVar[str] = "The database rejected the call."
    """The default message. Not the docstring, because Python can be told to strip docstrings."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.sentence)


class Unavailable(StoreError):
    """The database did not answer, or not usefully."""

    code = "store_unavailable"
    sentence = "The database did not answer."


class TooManyRequests(Unavailable):
    """Too many requests in a short time."""

    code = "too_many_requests"
    sentence = "That were too many requests in a short time; wait a moment and try again."


class SetupIncomplete(Unavailable):
    """The project is not ready for the console."""

    code = "setup_incomplete"
    sentence = "The Supabase project is not ready for the console yet; see docs/deploy.md"


class SchemaTooNew(Unavailable):
    """The data belongs to a newer version."""

    code = "schema_too_new"
    sentence = (
        "The data was last used by a newer version of this program; update it, or choose another ORCHESTRATOR_DATA_DIR."
    )


class SchemaTooOld(Unavailable):
    """Data from a version before the first release."""

    code = "schema_too_old"
    sentence = (
        "This database was made by a version before the first release, which cannot be upgraded. Start afresh: "
        "python -m store reset removes an embedded database, supabase db reset --linked a project's."
    )


class MigrationEdited(Unavailable):
    """A migration was edited after it had been applied."""

    code = "migration_edited"
    sentence = "A migration was edited after it had been applied; restore the file and put the change into a new one."


class NotSignedIn(StoreError):
    """There is no identity, or it was rejected."""

    code = "not_signed_in"
    sentence = "Nobody is signed in, or the session has expired; sign in again."


class NotPermitted(StoreError):
    """The identity lacks the permission."""

    code = "not_permitted"
    sentence = "You do not have permission for this."


class Conflict(StoreError):
    """Somebody else changed the same thing first."""

    code = "conflict"
    sentence = "Somebody else changed this first; reload it and repeat your change."


class UnreadableAnswer(StoreError):
    """The answer is that of another version."""

    code = "unreadable_answer"
    sentence = "The database has a different version than this program; run: python -m store migrate"


class InvalidInput(StoreError):
    """A value is invalid."""

    code = "invalid_input"
    sentence = "A value was rejected, by the database's checks or before calling it."


# supabase-py uses the HTTP status as the code of an answer that is not from PostgREST.
_HTTP_STATUS = re.compile(r"\d{3}")

_MISSING_SCHEMA = "The database lacks this version's tables and functions; run: python -m store migrate"
_FULL = "The database's disk is full; free up some space and try again."

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

# States that only our own SQL functions raise: their messages are written for users.
_OWN_STATES = frozenset({"PT400", "PT401", "PT403", "PT409"})


def from_state(state: str | None, message: str | None) -> StoreError:
    """The error for an SQLSTATE or PostgREST code; it keeps the database's message only if our SQL wrote it.

    Args:
        state: five characters such as `42501`, a `PGRST` code, an HTTP status, or None if there was none.
        message: the database's primary message.
    """
    if not state or _HTTP_STATUS.fullmatch(state):
        return Unavailable()
    for length in (8, 6, 5, 2):
        if found := _BY_STATE.get(state[:length]):
            kind, text = found
            return kind(message if state in _OWN_STATES else text)
    return StoreError(f"The database rejected the call ({state}).")
