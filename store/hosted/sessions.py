"""Sign-ins at Supabase Auth: one session per user, renewed before it expires, dropped when it is rejected."""

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

# A token is renewed this long before it expires, so that it does not expire during a call.
_RENEWAL_S = 60.0
_REFUSED_STATUS = frozenset({400, 401, 403, 422})
_NO_ANSWER_STATUS = frozenset({301, 404, 502, 503, 504, *range(520, 525), 530})
_LEGACY_KEY = "The project has disabled its legacy keys; set SUPABASE_KEY to its publishable key."
_BY_CODE = {
    "invalid_credentials": "Supabase rejected the e-mail address or the password of {email}.",
    "email_not_confirmed": "The e-mail address {email} is not confirmed yet; open the link in Supabase's e-mail.",
    "captcha_failed": (
        "The project requires a CAPTCHA, which a program cannot solve; turn it off under Authentication, Attack "
        "Protection."
    ),
    "email_provider_disabled": "The project has disabled sign-in by e-mail; enable it under Authentication.",
    "provider_disabled": "The project has disabled sign-in by e-mail; enable it under Authentication.",
    "user_banned": "The user {email} is banned in this project.",
}
STATUS_SENTENCES = {
    402: "The Supabase project is restricted: it is over its quota or has an unpaid bill; see its dashboard.",
    429: "Supabase accepts no more sign-ins for the moment; wait a few minutes and try again.",
    540: "The Supabase project is paused; restore it in its dashboard.",
}
"""What some HTTP statuses mean, for Auth and the database alike."""


class Sessions:
    """The sessions of one project.

    Args:
        client: creates a client without a session; signing in rewrites a client's headers, so each is used once.
    """

    def __init__(self, client: Callable[[Identity], Client]) -> None:
        self._client = client
        self._current: dict[PasswordLogin, tuple[Identity, float]] = {}
        # One lock per user: a slow sign-in must not hold up other users.
        self._guards: defaultdict[PasswordLogin, threading.Lock] = defaultdict(threading.Lock)

    def identity(self, login: PasswordLogin) -> Identity:
        """A user's identity with a valid token, renewed by signing in when it is about to expire.

        Raises:
            NotSignedIn: the e-mail address or the password was rejected.
            Unavailable: the project does not answer.
        """
        with self._guards[login]:
            identity, ends_at = self._current.get(login, (NOBODY, 0.0))
            if time.monotonic() > ends_at - _RENEWAL_S:
                identity, lifetime_s = self._sign_in(login)
                self._current[login] = identity, time.monotonic() + lifetime_s
            return identity

    def forget(self, login: PasswordLogin, identity: Identity) -> None:
        """Sign in again at the next call, unless another thread already has: this identity's token was rejected."""
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
            # ValueError: the answer is not a session.
            raise Unavailable(OUT_OF_REACH) from error
        if session is None:
            raise NotSignedIn("Supabase returned no session; is the e-mail address confirmed?")
        return Identity(session.user.id, session.access_token), float(session.expires_in)


def _refusal(login: PasswordLogin, error: Exception) -> StoreError:
    """Our error for a refusal by Auth. Its own message is never repeated: it may quote what was sent."""
    code, status = getattr(error, "code", None), _status_of(error)
    if "Legacy API keys" in str(error):
        return Unavailable(_LEGACY_KEY)
    if "API key" in str(error):
        return Unavailable(WRONG_KEY)
    if code in _BY_CODE:
        return NotSignedIn(_BY_CODE[code].format(email=login.email))
    if status in STATUS_SENTENCES:
        return Unavailable(STATUS_SENTENCES[status])
    if status in _REFUSED_STATUS:
        named = f" ({code})" if code else ""
        return NotSignedIn(f"Supabase refused to sign in {login.email}{named}.")
    if status is not None and status not in _NO_ANSWER_STATUS:
        return Unavailable(f"Supabase Auth answered with an error (HTTP {status}); try again later.")
    return Unavailable(OUT_OF_REACH)


def _status_of(error: Exception) -> int | None:
    """The HTTP status, which the library's own classes do not always carry; None if there was no answer."""
    response = getattr(error.__cause__, "response", None)
    status = getattr(response, "status_code", None) or getattr(error, "status", None)
    return status if isinstance(status, int) and status else None
