"""Sign-ins at Supabase Auth: one session per user, renewed before it ends, forgotten when it is refused."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from store.errors import NotSignedIn, StoreError, Unavailable
from store.identity import NOBODY, Identity, PasswordLogin

if TYPE_CHECKING:
    from supabase import Client

OUT_OF_REACH = "The Supabase project does not answer; check SUPABASE_URL and the network."
WRONG_KEY = "The Supabase project does not know this SUPABASE_KEY."

# A token is renewed this long before its end, so that no call starts with one that ends on the way.
_RENEWAL_S = 60.0
_REFUSED_STATUS = frozenset({400, 401, 403, 422})


class Sessions:
    """The sessions of one project.

    Args:
        client: makes a client without a session; signing in rewrites a client's headers, so each is used once.
    """

    def __init__(self, client: Callable[[Identity], Client]) -> None:
        self._client = client
        self._current: dict[PasswordLogin, tuple[Identity, float]] = {}
        # One lock per user: somebody's slow sign-in holds up nobody else.
        self._guards: defaultdict[PasswordLogin, threading.Lock] = defaultdict(threading.Lock)

    def identity(self, login: PasswordLogin) -> Identity:
        """A user's identity with a token that is still good, signed in again when it is about to end.

        Raises:
            NotSignedIn: e-mail or password were refused.
            Unavailable: the project does not answer.
        """
        with self._guards[login]:
            identity, ends_at = self._current.get(login, (NOBODY, 0.0))
            if time.monotonic() > ends_at - _RENEWAL_S:
                identity, lifetime_s = self._sign_in(login)
                self._current[login] = identity, time.monotonic() + lifetime_s
            return identity

    def forget(self, login: PasswordLogin, identity: Identity) -> None:
        """Sign in again at the next call, unless somebody already has: this identity's token was refused."""
        with self._guards[login]:
            if self._current.get(login, (NOBODY, 0.0))[0] == identity:
                del self._current[login]

    def _sign_in(self, login: PasswordLogin) -> tuple[Identity, float]:
        from supabase_auth.errors import AuthError

        credentials = {"email": login.email, "password": login.password}
        try:
            session = self._client(NOBODY).auth.sign_in_with_password(credentials).session  # type: ignore[arg-type]  # a plain dict is taken
        except AuthError as error:
            raise _refusal(login, error) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            # ValueError: an answer that is no session at all.
            raise Unavailable(OUT_OF_REACH) from error
        if session is None:
            raise NotSignedIn("Supabase gave no session; is the e-mail address confirmed?")
        return Identity(session.user.id, session.access_token), float(session.expires_in)


def _refusal(login: PasswordLogin, error: Exception) -> StoreError:
    if "API key" in str(error):
        return Unavailable(WRONG_KEY)
    if getattr(error, "status", None) in _REFUSED_STATUS:
        return NotSignedIn(f"Supabase refused the e-mail or password of {login.email}.")
    return Unavailable(OUT_OF_REACH)
