"""The state of the project's Auth and what every endpoint does with it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import jwt

from store import clock
from tests.supabase_auth.records import Challenge, Flow, Link, LinkKind, Mail, RefreshToken, Session, SsoProvider
from tests.supabase_auth.signing import Signing
from tests.supabase_auth.users import Identity, Json, User
from tests.supabase_auth.wire import Call, Refusal

_TOKEN_LETTERS = string.ascii_lowercase + string.digits


class Project:
    """Users, sessions and settings; tests may change the settings at any time.

    Attributes:
        url: the project's own URL; None takes it from each request.
        site_url: where redirects go that are not allowed to go where they were asked to.
        redirect_urls: what the other allowed addresses begin with.
        signups: whether a provider's user who is not known yet gets an account.
        parent_may_return: whether the refresh token just before the current one can be used again at any time, as with
            the real Auth; if not, only within the reuse interval.
        failures_per_minute: after so many wrong passwords from an address, it is refused for the rest of the minute.
        mails: what was sent.
    """

    def __init__(
        self, *, api_keys: Collection[str], signing: Signing, on_user: Callable[[User], None] | None = None
    ) -> None:
        self.api_keys = frozenset(api_keys)
        self.signing = signing
        self.on_user = on_user
        self.url: str | None = None
        self.site_url = "http://localhost:3000"
        self.redirect_urls: list[str] = []
        self.signups = True
        self.parent_may_return = False
        self.failures_per_minute: int | None = None
        self.token_lifetime_s = 3600
        self.reuse_interval_s = 10
        self.flow_lifetime_s = 300
        self.link_lifetime_s = 3600
        self.mails: list[Mail] = []
        self.users: dict[str, User] = {}
        self.sessions: dict[str, Session] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.flows: dict[str, Flow] = {}
        self.links: dict[str, Link] = {}
        self.challenges: dict[str, Challenge] = {}
        self.failures: list[tuple[str, datetime]] = []
        self.providers: dict[str, str] = {}
        self.sso_providers: dict[str, SsoProvider] = {}

    # Users

    def user_with(self, email: str) -> User | None:
        """The user with this address who is not managed by a company's identity provider."""
        found = (user for user in self.users.values() if user.email == email.strip().lower() and not user.is_sso)
        return next(found, None)

    def new_user(self, email: str, provider: str, user_id: str | None = None) -> User:
        """A new user, who is not confirmed and has no password."""
        now, address = clock.now(), email.strip().lower()
        user = User(user_id or str(uuid4()), address, now)
        user.identities.append(Identity(str(uuid4()), provider, address, now))
        self.users[user.id] = user
        return user

    def changed(self, user: User) -> None:
        """Tell the test that a user was added or changed."""
        user.updated_at = clock.now()
        if self.on_user:
            self.on_user(user)

    def set_password(self, user: User, password: str, session: Session | None = None) -> None:
        """Set the password, which ends every session but this one and every link."""
        user.password = password
        self.drop_links(user)
        self.end_sessions(lambda other: other.user_id == user.id and other is not session)
        self.changed(user)

    # Sessions

    def open_session(self, call: Call, user: User, method: str, sso_provider: str | None = None) -> Json:
        """Begin a session, and describe it as Auth does."""
        user.last_sign_in_at = clock.now()
        session = Session(str(uuid4()), user.id, {method: clock.now()}, sso_provider)
        self.sessions[session.id] = session
        self.next_refresh_token(session)
        return self.granted(call, session)

    def next_refresh_token(self, session: Session) -> None:
        """Replace the session's refresh token."""
        token = "".join(secrets.choice(_TOKEN_LETTERS) for _ in range(12))
        self.refresh_tokens[token] = RefreshToken(session.id, session.refresh_token or None)
        session.refresh_token = token

    def granted(self, call: Call, session: Session) -> Json:
        """The answer that gives somebody a session: a new access token and the current refresh token."""
        user = self.users[session.user_id]
        now = int(clock.now().timestamp())
        expires_at = now + self.token_lifetime_s
        claims = _claims(user, session) | {"iss": f"{call.url}/auth/v1", "iat": now, "exp": expires_at}
        return {
            "access_token": self.signing.token(claims),
            "token_type": "bearer",
            "expires_in": self.token_lifetime_s,
            "expires_at": expires_at,
            "refresh_token": session.refresh_token,
            "user": user.as_json(),
        }

    def end_sessions(self, ended: Callable[[Session], bool]) -> None:
        """End some sessions; their refresh tokens are no longer known."""
        gone = {session.id for session in self.sessions.values() if ended(session)}
        self.sessions = {key: session for key, session in self.sessions.items() if key not in gone}
        left = {key: token for key, token in self.refresh_tokens.items() if token.session_id not in gone}
        self.refresh_tokens = left

    def caller(self, call: Call) -> tuple[User, Session]:
        """Who sent a request, by their access token.

        Raises:
            Refusal: the token is no good, or the session has ended, or the user is gone or banned.
        """
        try:
            claims = self.signing.claims(call.bearer)
        except jwt.InvalidTokenError as error:
            message = f"invalid JWT: unable to parse or verify signature, {error}"
            raise Refusal(403, "bad_jwt", message) from None
        if not claims.get("sub") or not claims.get("session_id"):
            raise Refusal(403, "bad_jwt", "invalid claim: missing sub claim")
        user = self.users.get(claims["sub"])
        if user is None:
            raise Refusal(403, "user_not_found", "User from sub claim in JWT does not exist")
        session = self.sessions.get(claims["session_id"])
        if session is None:
            raise Refusal(403, "session_not_found", "Session from session_id claim in JWT does not exist")
        if user.is_banned:
            raise Refusal(403, "user_banned", "User is banned")
        return user, session

    # Links and redirects

    def send_link(self, url: str, user: User, kind: LinkKind, redirect_to: str, *, pkce: bool = False) -> str:
        """Mail a link, which replaces the one before it."""
        self.drop_links(user, kind)
        token = ("pkce_" if pkce else "") + secrets.token_hex(28)
        self.links[token] = Link(user.id, kind, clock.now())
        query = urlencode({"token": token, "type": kind, "redirect_to": redirect_to})
        link = f"{url}/auth/v1/verify?{query}"
        self.mails.append(Mail(user.email, kind, link))
        return link

    def drop_links(self, user: User, kind: LinkKind | None = None) -> None:
        """Make a user's links, or those of one kind, invalid."""
        self.links = {
            token: link
            for token, link in self.links.items()
            if link.user_id != user.id or (kind is not None and link.kind != kind)
        }

    def redirect_target(self, call: Call, wanted: str = "") -> str:
        """Where a redirect goes: where it was asked to, else where the request comes from, else to the site."""
        candidates = (wanted or call.query.get("redirect_to", ""), call.headers.get("referer", ""))
        return next(filter(self._is_allowed, candidates), self.site_url)

    def _is_allowed(self, url: str) -> bool:
        if url and urlsplit(url)[:2] == urlsplit(self.site_url)[:2]:
            return True
        return any(
            url.startswith(allowed) and (allowed[-1] in "/?" or url[len(allowed) : len(allowed) + 1] in ("", *"/?#"))
            for allowed in self.redirect_urls
        )


def has_passed(since: datetime, seconds: float) -> bool:
    """Whether more than so many seconds have passed."""
    return clock.now() > since + timedelta(seconds=seconds)


def _claims(user: User, session: Session) -> Json:
    return {
        "sub": user.id,
        "aud": "authenticated",
        "email": user.email,
        "phone": "",
        "app_metadata": user.app_metadata,
        "user_metadata": dict(user.metadata),
        "role": "authenticated",
        "aal": session.level,
        "amr": session.amr(),
        "session_id": session.id,
        "is_anonymous": False,
    }
