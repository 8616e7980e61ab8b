"""Where the tokens of a call come from: a password in the environment, or what the caller brought along."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Protocol

from store.hosted.auth import Auth
from store.identity import NOBODY, Identity, PasswordLogin

# A token is renewed this long before it expires, so that it does not expire during a call.
RENEWAL_S = 60.0


class TokenSource(Protocol):
    """Provides the identity of one person, with a valid token."""

    def identity(self) -> Identity:
        """The identity, renewed if its token is about to expire.

        Raises:
            NotSignedIn: it cannot be renewed.
            Unavailable: the project does not answer.
        """

    def forget(self, identity: Identity) -> None:
        """Do not use this identity again: the database rejected its token."""


@dataclass(frozen=True, slots=True)
class GivenIdentity:
    """An identity whose token is used as it is."""

    given: Identity = NOBODY

    def identity(self) -> Identity:
        """See `TokenSource`."""
        return self.given

    def forget(self, identity: Identity) -> None:
        """See `TokenSource`; there is no other token to use instead."""


class PasswordSessions:
    """The sessions of users whose passwords are in the environment: one per user, signed in again before it ends."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._current: dict[PasswordLogin, tuple[Identity, float]] = {}
        # One lock per user: a slow sign-in must not hold up other users.
        self._guards: defaultdict[PasswordLogin, threading.Lock] = defaultdict(threading.Lock)

    def of(self, login: PasswordLogin) -> PasswordSession:
        """The session of one user."""
        return PasswordSession(self, login)

    def identity(self, login: PasswordLogin) -> Identity:
        """A user's identity; see `TokenSource`."""
        with self._guards[login]:
            identity, ends_at = self._current.get(login, (NOBODY, 0.0))
            if time.monotonic() > ends_at - RENEWAL_S:
                tokens = self._auth.sign_in(login)
                identity = Identity(tokens.user_id, tokens.access_token)
                self._current[login] = identity, time.monotonic() + tokens.expires_in_s
            return identity

    def forget(self, login: PasswordLogin, identity: Identity) -> None:
        """Sign in again at the next call, unless another thread already has: this identity's token was rejected."""
        with self._guards[login]:
            if self._current.get(login, (NOBODY, 0.0))[0] == identity:
                del self._current[login]


@dataclass(frozen=True, slots=True)
class PasswordSession:
    """A user whose password is in the environment."""

    sessions: PasswordSessions
    login: PasswordLogin

    def identity(self) -> Identity:
        """See `TokenSource`."""
        return self.sessions.identity(self.login)

    def forget(self, identity: Identity) -> None:
        """See `TokenSource`."""
        self.sessions.forget(self.login, identity)
