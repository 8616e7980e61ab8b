"""The six digits of an authenticator app (RFC 6238 with SHA-1 and steps of 30 seconds)."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime, timedelta

_STEP_S = 30
_SECRET_BYTES = 20


def new_secret() -> str:
    """A secret as an authenticator app takes it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def totp(secret: str, at: datetime) -> str:
    """The code that an authenticator app shows at this moment."""
    step = int(at.timestamp()) // _STEP_S
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def is_right(secret: str, code: str, at: datetime) -> bool:
    """Whether a code is that of this moment, or of one step before or after it."""
    moments = (at + timedelta(seconds=steps * _STEP_S) for steps in (-1, 0, 1))
    return any(hmac.compare_digest(totp(secret, moment).encode(), code.encode()) for moment in moments)
