"""Who calls, and what the database lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from store.answer import understood
from store.database import Database

COOKIE = "console_session"
"""The cookie that holds the secret of a browser's session."""

Permission = Literal[
    "read_figures",
    "read_settings",
    "generate",
    "read_own_workflows",
    "read_all_workflows",
    "change_settings",
    "change_sample_data",
    "manage_people",
    "read_audit_log",
    "erase_texts",
    "record_executions",
    "record",
    "keep_sessions",
]
"""The names in `private.permissions`, which decides."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, the orchestrator, or the holder of an API token.

    Attributes:
        email: None for a user without one.
        role: the console role; None for a user without one.
        permissions: what they may do now; the database decides again at each call.
        token_id: the API token; None for a call without one.
    """

    user_id: str
    email: str | None
    role: str | None
    permissions: tuple[str, ...]
    token_id: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the caller may do this."""
        return permission in self.permissions


def check_permission(database: Database, permission: Permission) -> None:
    """Do nothing for a caller who may do this.

    Raises:
        NotPermitted: the caller may not; the message says who may.
        StoreError: the database does not answer.
    """
    database.call("check_permission", p_permission=permission)


def who_is(database: Database) -> Caller:
    """The caller of this database.

    Raises:
        NotSignedIn: there is no identity, or it has expired.
        Unavailable: the database does not answer.
    """
    return understood(Caller, database.call("whoami"))
