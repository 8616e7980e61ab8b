"""What an authenticator app shows, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime

from store import clock
from tests.supabase_auth import totp


def code_of(secret: str) -> str:
    """What the app shows now."""
    return totp(secret, clock.now())


def wrong_code_of(secret: str) -> str:
    """Six digits that the app does not show around now."""
    return next(f"{number:06}" for number in range(100) if not _is_near(secret, f"{number:06}"))


def _is_near(secret: str, code: str) -> bool:
    now = clock.now().timestamp()
    return code in {totp(secret, datetime.fromtimestamp(now + 30 * step, UTC)) for step in range(-3, 4)}
