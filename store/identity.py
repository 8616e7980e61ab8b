"""Who is calling: the claims that row-level security reads."""

from __future__ import annotations

from dataclasses import dataclass, field

# The embedded database has exactly two users; bootstrap.sql and local_users.sql know them by these ids.
LOCAL_PERSON_ID = "00000000-0000-4000-8000-000000000001"
LOCAL_MACHINE_ID = "00000000-0000-4000-8000-000000000002"


TOKEN_HEADER = "x-console-token"  # noqa: S105
"""The header of a call that the orchestrator makes for an API token; the database reads it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A user, or nobody.

    Attributes:
        user_id: id in `auth.users`; None for nobody.
        access_token: the JWT of a hosted session; None on the embedded database.
    """

    user_id: str | None
    access_token: str | None = field(default=None, repr=False)

    @property
    def role(self) -> str:
        """The database role: `authenticated`, or `anon` for nobody."""
        return "anon" if self.user_id is None else "authenticated"

    @property
    def claims(self) -> dict[str, str]:
        """The JWT claims as `auth.jwt()` shows them."""
        return {"role": self.role} | ({"sub": self.user_id} if self.user_id else {})


NOBODY = Identity(user_id=None)
LOCAL_PERSON = Identity(LOCAL_PERSON_ID)
LOCAL_MACHINE = Identity(LOCAL_MACHINE_ID)


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """An e-mail and password of Supabase Auth."""

    email: str
    password: str = field(repr=False)
