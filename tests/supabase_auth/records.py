"""What the stand-in knows besides users: sessions, refresh tokens, sign-in flows, links, challenges and mails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tests.supabase_auth.users import Json

LinkKind = Literal["recovery", "invite"]

PASSWORD = "password"
OAUTH = "oauth"
SSO = "sso/saml"
OTP = "otp"
TOTP = "totp"
"""How somebody proved who they are, as the claim `amr` calls it."""


@dataclass(slots=True)
class Session:
    """A session of a user.

    Attributes:
        methods: how the user proved who they are, and when.
        sso_provider: the id of the identity provider that signed the user in.
        factor_id: the authenticator app that raised the session to `aal2`.
        refresh_token: the only one that can be exchanged as a matter of course.
    """

    id: str
    user_id: str
    methods: dict[str, datetime]
    sso_provider: str | None = None
    factor_id: str | None = None
    refresh_token: str = ""

    @property
    def level(self) -> str:
        """The claim `aal`."""
        return "aal2" if TOTP in self.methods else "aal1"

    def amr(self) -> list[Json]:
        """The claim of the same name, the latest method first."""
        latest_first = sorted(self.methods.items(), key=lambda item: item[1], reverse=True)
        return [
            {"method": method, "timestamp": int(moment.timestamp())}
            | ({"provider": self.sso_provider} if method == SSO else {})
            for method, moment in latest_first
        ]


@dataclass(slots=True)
class RefreshToken:
    """A refresh token; `parent` is the one it was given out for."""

    session_id: str
    parent: str | None
    used_at: datetime | None = None


@dataclass(slots=True)
class Flow:
    """A sign-in on its way.

    Attributes:
        method: the claim `amr` of the session to come.
        provider: an OAuth provider, `sso:<id>`, or `recovery`.
        challenge: of PKCE; empty if the tokens are to be part of the redirect.
        code: what the redirect carries if there is a challenge.
        user_id: who came back from the provider.
    """

    method: str
    provider: str
    challenge: str
    challenge_method: str
    redirect_to: str
    created_at: datetime
    code: str
    user_id: str | None = None


@dataclass(slots=True)
class Link:
    """A link in a mail, good for one use."""

    user_id: str
    kind: LinkKind
    created_at: datetime


@dataclass(slots=True)
class Challenge:
    """A question for the code of one factor."""

    factor_id: str
    address: str
    created_at: datetime
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SsoProvider:
    """A company's identity provider, and who will sign in there."""

    id: str
    domain: str
    email: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was sent."""

    to: str
    kind: LinkKind
    link: str
