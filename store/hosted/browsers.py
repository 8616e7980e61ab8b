"""Browsers that are signed in: a cookie holds a random secret, the database its hash and the sealed tokens.

Every host of the console shares these sessions. A refresh token works once, so the database gives each renewal to one
process; the others use what it stores.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from store.answer import understood
from store.database import Database, Json
from store.errors import NotSignedIn, StoreError, Unavailable
from store.hosted.auth import Auth, Tokens
from store.hosted.seal import Seal
from store.hosted.sessions import RENEWAL_S
from store.identity import Identity

log = logging.getLogger(__name__)

IDLE_S = 12 * 3600
ABSOLUTE_S = 7 * 24 * 3600

_TRUSTED_S = 15.0  # how long a session is used without looking whether it is still there
_LEASE_S = 20
_WAIT_S = 15.0
_LOOK_EVERY_S = 0.1
_SECRET_BYTES = 32
_ENDED = "Your session has ended; sign in again."

Browser = Mapping[str, str | None]
"""Where a request came from: ip_address and user_agent."""


@dataclass(frozen=True, slots=True)
class _Stored:
    user_id: str
    sealed_tokens: str
    version: int
    access_expires_in_s: float
    renewing: bool
    role: str | None
    claimed: bool = False


class BrowserSession:
    """One browser that is signed in; a `TokenSource`. Safe to share between threads.

    Attributes:
        role: the person's console role when the session was last looked up; None for a person without one.
    """

    user_id: str
    role: str | None

    def __init__(self, sessions: BrowserSessions, session_sha256: str, stored: _Stored) -> None:
        self._sessions = sessions
        self._sha256 = session_sha256
        self._guard = threading.Lock()
        self._take(stored)

    def identity(self) -> Identity:
        """See `store.hosted.sessions.TokenSource`."""
        with self._guard:
            if self._left_s() < RENEWAL_S:
                self._renew()
            return Identity(self.user_id, self._access_token)

    def forget(self, identity: Identity) -> None:
        """See `store.hosted.sessions.TokenSource`."""
        with self._guard:
            if identity.access_token == self._access_token:
                self._ends_at = 0.0

    def take(self, stored: _Stored) -> None:
        """Know what is stored now: the role, and newer tokens if another process has renewed them."""
        self.role = stored.role
        with self._guard:
            if stored.version > self._version:
                self._take(stored)

    def _take(self, stored: _Stored) -> None:
        tokens = self._sessions.unsealed(self._sha256, stored)
        self.user_id = stored.user_id
        self.role = stored.role
        self._access_token, self._refresh_token = tokens
        self._version = stored.version
        self._ends_at = time.monotonic() + stored.access_expires_in_s

    def _left_s(self) -> float:
        return self._ends_at - time.monotonic()

    def _renew(self) -> None:
        """Renew the tokens, or wait until the process that does so is done."""
        until = time.monotonic() + _WAIT_S
        while True:
            stored = self._sessions.claim(self._sha256, self._version)
            if stored.claimed:
                self._renew_now()
                return
            if stored.version > self._version:
                self._take(stored)
                return
            if self._left_s() > 0:
                return  # good for this call; another process renews it
            if time.monotonic() > until:
                raise Unavailable("Your session could not be renewed in time; try again.")
            time.sleep(_LOOK_EVERY_S)

    def _renew_now(self) -> None:
        try:
            tokens = self._sessions.auth.renew(self._refresh_token)
        except NotSignedIn:
            self._end()
        except Unavailable:
            self._sessions.release(self._sha256, self._version)
            if self._left_s() > 0:
                return
            raise
        if tokens.user_id != self.user_id:
            self._end()  # nobody is two people, whatever the table or Auth says
        self._take(self._sessions.renewed(self._sha256, self._version, tokens))

    def _end(self) -> NoReturn:
        self._sessions.end(self._sha256)
        raise NotSignedIn(_ENDED) from None


class BrowserSessions:
    """The sessions of all browsers. Its methods block.

    Args:
        machine: the database as the orchestrator sees it, which alone may keep sessions.
        seal: the installation's.
    """

    def __init__(self, machine: Database, auth: Auth, seal: Seal) -> None:
        self.auth = auth
        self._machine = machine
        self._seal = seal
        self._found: dict[str, tuple[BrowserSession, float]] = {}

    def open(self, tokens: Tokens, method: str, browser: Browser, replaces: str | None = None) -> str:
        """Open a session; returns the secret for the browser's cookie.

        Args:
            method: how the person signed in.
            replaces: the secret of the session that this browser had before; None if it had none.
        """
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        sha256 = _sha256(secret)
        self._machine.call(
            "open_session",
            p_session=sha256,
            p_user_id=tokens.user_id,
            p_sealed_tokens=self._sealed(sha256, tokens),
            p_access_s=int(tokens.expires_in_s),
            p_absolute_s=ABSOLUTE_S,
            p_method=method,
            p_browser=_json(browser),
            p_replaces=_sha256(replaces) if replaces else None,
        )
        return secret

    def find(self, secret: str) -> BrowserSession | None:
        """The session of a cookie; None if it has ended. It may have ended up to 15 seconds ago.

        Raises:
            Unavailable: the database does not answer.
        """
        sha256 = _sha256(secret)
        known, trusted_until = self._found.get(sha256, (None, 0.0))
        # Whoever waits for a role looks again and again.
        if known and known.role and time.monotonic() < trusted_until:
            return known
        answer = self._machine.call("read_session", p_session=sha256, p_idle_s=IDLE_S)
        if answer is None:
            self._found.pop(sha256, None)
            return None
        return self._known(sha256, known, understood(_Stored, answer))

    def _known(self, sha256: str, known: BrowserSession | None, stored: _Stored) -> BrowserSession | None:
        try:
            if known:
                known.take(stored)
            session = known or BrowserSession(self, sha256, stored)
        except NotSignedIn:
            return None  # sealed by another installation
        if len(self._found) > 10_000:
            self._found.clear()
        self._found[sha256] = session, time.monotonic() + _TRUSTED_S
        return session

    def close(self, secret: str, *, everywhere: bool, browser: Browser) -> None:
        """Close a session, or all of its person's, here and at Auth, as far as that can be reached."""
        token, sha256 = self._token(secret), _sha256(secret)
        self._found.pop(sha256, None)
        self._machine.call(
            "close_session", p_session=sha256, p_everywhere=everywhere, p_cause="signed_out", p_browser=_json(browser)
        )
        try:
            if token:
                self.auth.sign_out(token, everywhere=everywhere)
        except StoreError as error:
            log.warning("A session is closed here, but not at Auth: %s", error)

    def _token(self, secret: str) -> str | None:
        """A token with which Auth can be told that the session is over; None if it is already."""
        try:
            session = self.find(secret)
            return session.identity().access_token if session else None
        except NotSignedIn:
            return None
        except Unavailable as error:
            log.warning("The session that ends could not be renewed: %s", error)
            return None

    def end(self, sha256: str) -> None:
        """Forget a session that Auth has ended."""
        self._found.pop(sha256, None)
        self._machine.call("close_session", p_session=sha256, p_everywhere=False, p_cause="expired", p_browser={})

    def claim(self, sha256: str, version: int) -> _Stored:
        """The session as stored; `claimed` if this process may renew its tokens now.

        Raises:
            NotSignedIn: it has ended.
        """
        return _session(self._machine.call("claim_renewal", p_session=sha256, p_version=version, p_lease_s=_LEASE_S))

    def release(self, sha256: str, version: int) -> None:
        """Let another process try: this one could not reach Auth."""
        self._machine.call("renew_session", p_session=sha256, p_version=version, p_sealed_tokens=None, p_access_s=0)

    def renewed(self, sha256: str, version: int, tokens: Tokens) -> _Stored:
        """The session after storing its renewed tokens."""
        return _session(
            self._machine.call(
                "renew_session",
                p_session=sha256,
                p_version=version,
                p_sealed_tokens=self._sealed(sha256, tokens),
                p_access_s=int(tokens.expires_in_s),
            )
        )

    def unsealed(self, sha256: str, stored: _Stored) -> tuple[str, str]:
        """The access token and the refresh token.

        Raises:
            NotSignedIn: they were sealed with another secret.
        """
        text = self._seal.open(stored.sealed_tokens, sha256)
        if text is None:
            raise NotSignedIn(_ENDED)
        access, refresh = json.loads(text)
        return access, refresh

    def _sealed(self, sha256: str, tokens: Tokens) -> str:
        return self._seal.close(json.dumps([tokens.access_token, tokens.refresh_token]), sha256)


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _session(answer: Json) -> _Stored:
    if answer is None:
        raise NotSignedIn(_ENDED)
    return understood(_Stored, answer)


def _json(browser: Browser) -> dict[str, Json]:
    return dict(browser)
