"""The rows of the sessions in the project: what a process reads and writes of them, with the tokens sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from store.answer import understood
from store.database import Database, Json
from store.errors import NotSignedIn
from store.hosted.auth import Tokens
from store.hosted.seal import Seal

IDLE_S = 12 * 3600
ABSOLUTE_S = 7 * 24 * 3600
ENDED = "Your session has ended; sign in again."

_LEASE_S = 20

Browser = Mapping[str, str | None]
"""Where a request came from: ip_address and user_agent."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as it is stored.

    Attributes:
        version: counts the renewals of its tokens.
        claimed: whether the process that asked may renew the tokens now.
        role: the person's console role; None for a person without one.
    """

    user_id: str
    sealed_tokens: str
    version: int
    access_expires_in_s: float
    role: str | None
    claimed: bool = False


class SessionRows:
    """The sessions in the project's database. Its methods block and raise what `Database.call` raises.

    Args:
        machine: the database as the orchestrator sees it, which alone may keep sessions.
        seal: the installation's.
    """

    def __init__(self, machine: Database, seal: Seal) -> None:
        self._machine = machine
        self._seal = seal

    def open(self, sha256: str, tokens: Tokens, method: str, browser: Browser, replaces: str | None) -> None:
        """Add a session.

        Args:
            method: how the person signed in.
            replaces: hash of the session that this browser had before; None if it had none.
        """
        self._machine.call(
            "open_session",
            p_session=sha256,
            p_user_id=tokens.user_id,
            p_sealed_tokens=self._sealed(sha256, tokens),
            p_access_s=int(tokens.expires_in_s),
            p_absolute_s=ABSOLUTE_S,
            p_method=method,
            p_browser=dict[str, Json](browser),
            p_replaces=replaces,
        )

    def read(self, sha256: str) -> SessionRow | None:
        """A session that is used now; None if it has ended."""
        answer = self._machine.call("read_session", p_session=sha256, p_idle_s=IDLE_S)
        return None if answer is None else understood(SessionRow, answer)

    def claim(self, sha256: str, version: int) -> SessionRow:
        """The session as stored; `claimed` if this process may renew its tokens now.

        Raises:
            NotSignedIn: it has ended.
        """
        return _row(self._machine.call("claim_renewal", p_session=sha256, p_version=version, p_lease_s=_LEASE_S))

    def release(self, sha256: str, version: int) -> None:
        """Let another process try: this one could not reach Auth."""
        self._machine.call("renew_session", p_session=sha256, p_version=version, p_sealed_tokens=None, p_access_s=0)

    def renewed(self, sha256: str, version: int, tokens: Tokens) -> SessionRow:
        """The session after storing its renewed tokens.

        Raises:
            NotSignedIn: it has ended.
        """
        return _row(
            self._machine.call(
                "renew_session",
                p_session=sha256,
                p_version=version,
                p_sealed_tokens=self._sealed(sha256, tokens),
                p_access_s=int(tokens.expires_in_s),
            )
        )

    def close(self, sha256: str, *, everywhere: bool, browser: Browser) -> None:
        """Remove a session, or all of its person's, on request."""
        self._close(sha256, "signed_out", everywhere=everywhere, browser=browser)

    def expire(self, sha256: str) -> None:
        """Remove a session that Auth has ended."""
        self._close(sha256, "expired", everywhere=False, browser={})

    def tokens(self, sha256: str, row: SessionRow) -> tuple[str, str]:
        """The access token and the refresh token of a row.

        Raises:
            NotSignedIn: they were sealed with another secret, or for another row.
        """
        text = self._seal.open(row.sealed_tokens, sha256)
        if text is None:
            raise NotSignedIn(ENDED)
        access, refresh = json.loads(text)
        return access, refresh

    def _close(self, sha256: str, cause: str, *, everywhere: bool, browser: Browser) -> None:
        self._machine.call(
            "close_session",
            p_session=sha256,
            p_everywhere=everywhere,
            p_cause=cause,
            p_browser=dict[str, Json](browser),
        )

    def _sealed(self, sha256: str, tokens: Tokens) -> str:
        return self._seal.close(json.dumps([tokens.access_token, tokens.refresh_token]), sha256)


def _row(answer: Json) -> SessionRow:
    if answer is None:
        raise NotSignedIn(ENDED)
    return understood(SessionRow, answer)
