"""What each role may do, in words, and changing somebody's role with a message about the result."""

from __future__ import annotations

from pages.parts.frame.account import ROLE_LABELS
from pages.parts.results import tell
from store import Database, StoreError
from store.people import set_role

ROLE_WORDS = {
    "admin": "changes settings, roles and tokens; reads everything",
    "pm": "reads figures and the audit log",
    "engineer": "generates workflows and reads figures",
    "orchestrator": "records generations; not a person",
}


def role_choice(role: str) -> str:
    """A role as an option in a list."""
    return f"{ROLE_LABELS[role]}: {ROLE_WORDS[role]}"


def change_role(person: Database, user: str, name: str, role: str | None) -> None:
    """Give or withdraw a role; the page then says what came of it."""
    try:
        set_role(person, user, role)
    except StoreError as error:
        tell(error)
        return
    given = f"{name} is now {ROLE_LABELS[role]}." if role else f"{name} has no role any more."
    tell(f"{given} This applies at once.")
