"""Users of the project, and how Auth describes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from store import clock

Json = dict[str, Any]


@dataclass(slots=True)
class Factor:
    """An authenticator app of a user, a row of `auth.mfa_factors`."""

    id: str
    secret: str
    name: str
    created_at: datetime
    verified: bool = False

    @property
    def status(self) -> str:
        """The value of the column `status`."""
        return "verified" if self.verified else "unverified"

    def as_json(self) -> Json:
        """This factor as Auth describes it; the secret is never shown again."""
        since = written(self.created_at)
        named = {"friendly_name": self.name} if self.name else {}
        return named | {
            "id": self.id,
            "created_at": since,
            "updated_at": since,
            "status": self.status,
            "factor_type": "totp",
            "last_challenged_at": None,
        }


@dataclass(slots=True)
class Identity:
    """One of the ways in which a user signs in: `email`, an OAuth provider, or `sso:<id>`."""

    id: str
    provider: str
    email: str
    created_at: datetime

    def as_json(self, user_id: str) -> Json:
        """This identity as Auth describes it."""
        since = written(self.created_at)
        return {
            "identity_id": self.id,
            "id": user_id if self.provider == "email" else self.email,
            "user_id": user_id,
            "identity_data": {"email": self.email, "email_verified": True, "sub": user_id},
            "provider": self.provider,
            "last_sign_in_at": since,
            "created_at": since,
            "updated_at": since,
            "email": self.email,
        }


@dataclass(slots=True)
class User:
    """A user of the project, a row of `auth.users`.

    Attributes:
        password: None for somebody who was invited, or who signs in elsewhere.
        deleted_at: set when the user was deleted; the project no longer has such a user.
    """

    id: str
    email: str
    created_at: datetime
    password: str | None = None
    identities: list[Identity] = field(default_factory=list)
    factors: list[Factor] = field(default_factory=list)
    metadata: Json = field(default_factory=dict)
    updated_at: datetime | None = None
    confirmed_at: datetime | None = None
    invited_at: datetime | None = None
    recovery_sent_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    banned_until: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def is_banned(self) -> bool:
        """Whether the user is banned now."""
        return self.banned_until is not None and clock.now() < self.banned_until

    @property
    def is_sso(self) -> bool:
        """Whether a company's identity provider manages this user; another user may have the same address."""
        return any(identity.provider.startswith("sso:") for identity in self.identities)

    @property
    def has_verified_factor(self) -> bool:
        """Whether the user has set up an authenticator app."""
        return any(factor.verified for factor in self.factors)

    @property
    def app_metadata(self) -> Json:
        """What only the project can change."""
        providers = list(dict.fromkeys(identity.provider for identity in self.identities))
        return {"provider": providers[0], "providers": providers} if providers else {}

    def confirm(self) -> None:
        """Accept the e-mail address as the user's own."""
        self.confirmed_at = self.confirmed_at or clock.now()
        self.metadata["email_verified"] = True

    def as_json(self) -> Json:
        """This user as Auth describes them; what is not set is left out."""
        moments = {
            "email_confirmed_at": self.confirmed_at,
            "confirmed_at": self.confirmed_at,
            "invited_at": self.invited_at,
            "recovery_sent_at": self.recovery_sent_at,
            "last_sign_in_at": self.last_sign_in_at,
            "banned_until": self.banned_until,
        }
        factors = {"factors": [factor.as_json() for factor in self.factors]} if self.factors else {}
        return {
            "id": self.id,
            "aud": "authenticated",
            "role": "authenticated",
            "email": self.email,
            "phone": "",
            "app_metadata": self.app_metadata,
            "user_metadata": dict(self.metadata),
            "identities": [identity.as_json(self.id) for identity in self.identities],
            "created_at": written(self.created_at),
            "updated_at": written(self.updated_at or self.created_at),
            "is_anonymous": False,
            **{name: written(moment) for name, moment in moments.items() if moment},
            **factors,
        }


def written(moment: datetime) -> str:
    """A moment as Auth writes it."""
    return moment.isoformat().replace("+00:00", "Z")
