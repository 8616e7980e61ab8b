"""The two ways to access the same database, and the people who use them."""

from __future__ import annotations

from typing import Protocol

from store import Database
from store.embedded.connections import Connections
from store.embedded.database import EmbeddedDatabase
from store.hosted.supabase import SupabaseStore
from store.identity import NOBODY, Identity
from tests.database.gateway import Person

ADMIN = Person("admin@example.com", "admin")
PM = Person("pm@example.com", "pm")
ENGINEER = Person("engineer@example.com", "engineer")
COLLEAGUE = Person("colleague@example.com", "engineer")
MACHINE = Person("machine@example.com", "orchestrator")
STRANGER = Person("stranger@example.com")
EXPIRED = Person("expired@example.com", "engineer", token_lifetimes_s=(-3600,))
EXPIRED_ONCE = Person("expired-once@example.com", "engineer", token_lifetimes_s=(-3600, 3600))
SHORT = Person("short@example.com", "engineer", announced_s=30)
GARBAGE = Person("garbage@example.com", "engineer", token="z9x8c7.v6b5n4.m3l2k1")
FORGED = Person("forged@example.com", "engineer", secret="a sentence that somebody else made up for signing")
PEOPLE = (ADMIN, PM, ENGINEER, COLLEAGUE, MACHINE, STRANGER, EXPIRED, EXPIRED_ONCE, SHORT, GARBAGE, FORGED)


class Side(Protocol):
    """One of the two ways to access the same database."""

    def seen_by(self, person: Person | None) -> Database:
        """The database as this person sees it; None for an anonymous user."""


class EmbeddedSide:
    """Access as to the embedded database."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    def seen_by(self, person: Person | None) -> Database:
        """See `Side`."""
        return EmbeddedDatabase(self._pool, Identity(person.user_id) if person else NOBODY)


class SupabaseSide:
    """Access as to a hosted project."""

    def __init__(self, store: SupabaseStore) -> None:
        self._store = store

    def seen_by(self, person: Person | None) -> Database:
        """See `Side`."""
        return self._store.database(person.login if person else None)
