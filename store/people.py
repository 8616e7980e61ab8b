"""The people of the console: who has which role, who waits for one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.answer import understood
from store.database import Database

ROLES = ("admin", "pm", "engineer")
"""The roles of people, the most powerful first."""


@dataclass(frozen=True, slots=True)
class Member:
    """A user who has a role or waits for one.

    Attributes:
        role: None for one who waits.
        granted_by: e-mail address; None if the role was given in a terminal.
        last_seen_at: None for one who was never here.
        requested_at: when they asked for a role; None for those who have one.
        blocked: whether they are banned or deleted in Supabase Auth.
    """

    user_id: str
    email: str | None
    role: str | None
    granted_at: datetime | None
    granted_by: str | None
    last_seen_at: datetime | None
    requested_at: datetime | None
    second_factor: bool
    blocked: bool


def list_people(database: Database) -> list[Member]:
    """Everybody with a role, after those who wait for one.

    Raises:
        NotPermitted: this identity is not an admin.
        StoreError: the database did not answer.
    """
    return understood(list[Member], database.call("list_people"))


def set_role(database: Database, person: str, role: str | None) -> None:
    """Give a person a role, or withdraw it.

    Args:
        person: user id or e-mail address.
        role: one of ROLES; None to withdraw it.

    Raises:
        InvalidInput: there is no such user, or the console would lose its last admin.
        NotPermitted: this identity is not an admin, or has not used its second factor.
    """
    database.call("set_role", p_person=person, p_role=role)
