"""What Supabase Auth's refusals mean; its own messages are never repeated, since they may quote what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from store.errors import InvalidInput, NotSignedIn, StoreError, TooManyRequests, Unavailable

OUT_OF_REACH = "The Supabase project does not answer; check SUPABASE_URL and the network."
WRONG_KEY = "The Supabase project does not know this SUPABASE_KEY."

_TOO_MANY = 429
_REFUSED_STATUS, _REFUSED_WITH_CODE = frozenset({400, 422}), frozenset({401, 403, 404})
_NO_ANSWER_STATUS = frozenset({301, 404, 502, 503, 504, *range(520, 525), 530})
_LEGACY_KEY = "The project has disabled its legacy keys; set SUPABASE_KEY to its publishable key."
_WEAK_PASSWORD = "This password is too weak for the project; choose a longer one with more kinds of characters."  # noqa: S105
_SAME_PASSWORD = "This is the password that you had before; choose another one."  # noqa: S105
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
_INVALID_BY_CODE = {
    "weak_password": _WEAK_PASSWORD,
    "same_password": _SAME_PASSWORD,
    "validation_failed": "Supabase does not accept this; try a shorter one with plain characters.",
}
STATUS_SENTENCES = {
    402: "The Supabase project is restricted: it is over its quota or has an unpaid bill; see its dashboard.",
    429: "Supabase accepts no more sign-ins for the moment; wait a few minutes and try again.",
    540: "The Supabase project is paused; restore it in its dashboard.",
}
"""What some HTTP statuses mean, for Auth and the database alike."""


@contextmanager
def understood_refusals(email: str = "this person") -> Iterator[None]:
    """Turn what the library raises in the block into our errors.

    Args:
        email: whom the messages name.

    Raises:
        NotSignedIn: Auth refused.
        InvalidInput: Auth does not accept a new password.
        Unavailable: Auth does not answer, or not usefully.
    """
    from supabase_auth.errors import AuthError

    try:
        yield
    except AuthError as error:
        raise _refusal(email, error) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # ValueError: the answer is not what the library expects.
        raise Unavailable(OUT_OF_REACH) from error


def _refusal(email: str, error: Exception) -> StoreError:
    code, status = getattr(error, "code", None), _status_of(error)
    if "Legacy API keys" in str(error):
        return Unavailable(_LEGACY_KEY)
    if "API key" in str(error):
        return Unavailable(WRONG_KEY)
    if code in _INVALID_BY_CODE:
        return InvalidInput(_INVALID_BY_CODE[code])
    if code in _BY_CODE:
        return NotSignedIn(_BY_CODE[code].format(email=email))
    if status in STATUS_SENTENCES:
        kind = TooManyRequests if status == _TOO_MANY else Unavailable
        return kind(STATUS_SENTENCES[status])
    # Without a code, a 401, 403 or 404 is not Auth's word, but that of something on the way.
    if status in _REFUSED_STATUS or (code and status in _REFUSED_WITH_CODE):
        named = f" ({code})" if code else ""
        return NotSignedIn(f"Supabase refused to sign in {email}{named}.")
    if status is not None and status not in _NO_ANSWER_STATUS:
        return Unavailable(f"Supabase Auth answered with an error (HTTP {status}); try again later.")
    return Unavailable(OUT_OF_REACH)


def _status_of(error: Exception) -> int | None:
    """The HTTP status, which the library's own classes do not always carry; None if there was no answer."""
    response = getattr(error.__cause__, "response", None)
    status = getattr(response, "status_code", None) or getattr(error, "status", None)
    return status if isinstance(status, int) and status else None
