"""API tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from store.answer import understood
from store.database import Database, Json
from store.hashed import sha256_of

PREFIX = "oc_"
"""How every API token begins, so that people and scanners recognize one."""
SCOPES = {
    "generate": "Generate workflows and read those it generated",
    "report": "Read figures and settings",
    "events": "Record runs of agents",
}
"""Each scope with what it allows."""
USUAL_PER_MINUTE = 60

_SECRET_BYTES = 32
_HINT_CHARS = 8


@dataclass(frozen=True, slots=True)
class ApiToken:
    """An API token without its secret.

    Attributes:
        hint: its first characters.
        created_by: e-mail address; None if that is not known.
        last_used_at: within a minute; None if it was never used.
        revoked_at: None for one that works.
    """

    token_id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    requests_per_minute: int
    created_at: datetime
    created_by: str | None
    last_used_at: datetime | None
    revoked_at: datetime | None


def make_api_token(
    database: Database, name: str, scopes: Sequence[str], requests_per_minute: int = USUAL_PER_MINUTE
) -> str:
    """Make a token and return it: this is the only time that anybody sees it.

    Args:
        scopes: some of SCOPES, at least one.

    Raises:
        InvalidInput: the name, a scope or the limit is invalid.
        NotPermitted: this identity is not an admin, or has not used its second factor.
    """
    token = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    database.call(
        "make_api_token",
        p_name=name,
        p_scopes=cast(list[Json], list(scopes)),
        p_requests_per_minute=requests_per_minute,
        p_secret_sha256=sha256_of(token),
        p_hint=token[:_HINT_CHARS],
    )
    return token


def list_api_tokens(database: Database) -> list[ApiToken]:
    """All tokens, the latest first; revoked ones are kept.

    Raises:
        NotPermitted: this identity is not an admin.
        StoreError: the database did not answer.
    """
    return understood(list[ApiToken], database.call("list_api_tokens"))


def revoke_api_token(database: Database, token_id: str) -> None:
    """Revoke a token, at once and for good.

    Raises:
        InvalidInput: it is unknown, or was revoked before.
        NotPermitted: this identity is not an admin, or has not used its second factor.
    """
    database.call("revoke_api_token", p_token_id=token_id)
