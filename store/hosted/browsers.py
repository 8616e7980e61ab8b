"""Browsers that are signed in: a cookie holds a random secret, the database its hash and the sealed tokens.

Every host of the console shares these sessions. A refresh token works once, so the database gives each renewal to one
process; the others use what it stores.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from typing import NoReturn

from store.database import Database
from store.errors import NotSignedIn, StoreError, Unavailable
from store.hashed import sha256_of
from store.hosted.auth import Auth, Tokens
from store.hosted.seal import Seal
from store.hosted.session_rows import ABSOLUTE_S, ENDED, IDLE_S, Browser, SessionRow, SessionRows
from store.hosted.sessions import RENEWAL_S
from store.identity import Identity

__all__ = ["ABSOLUTE_S", "IDLE_S", "BrowserSession", "BrowserSessions"]

_TRUSTED_S = 15.0  # how long a session is used without looking whether it is still there
_MOST_KNOWN = 10_000
_WAIT_S = 15.0
_LOOK_EVERY_S = 0.1
_SECRET_BYTES = 32

log = logging.getLogger(__name__)


class BrowserSession:
    """One browser that is signed in; a `TokenSource`. Safe to share between threads.

    Attributes:
        role: the person's console role when the session was last looked up; None for a person without one.
        ended: whether Auth has ended it.
    """

    user_id: str
    role: str | None
    ended = False

    def __init__(self, rows: SessionRows, auth: Auth, session_sha256: str, row: SessionRow) -> None:
        self._rows = rows
        self._auth = auth
        self._sha256 = session_sha256
        self._guard = threading.Lock()
        self._take(row)

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

    def take(self, row: SessionRow) -> None:
        """Know what is stored now: the role, and newer tokens if another process has renewed them."""
        self.role = row.role
        with self._guard:
            if row.version > self._version:
                self._take(row)

    def _take(self, row: SessionRow) -> None:
        self._access_token, self._refresh_token = self._rows.tokens(self._sha256, row)
        self.user_id = row.user_id
        self.role = row.role
        self._version = row.version
        self._ends_at = time.monotonic() + row.access_expires_in_s

    def _left_s(self) -> float:
        return self._ends_at - time.monotonic()

    def _renew(self) -> None:
        """Renew the tokens, or wait until the process that does so is done."""
        until = time.monotonic() + _WAIT_S
        while True:
            row = self._rows.claim(self._sha256, self._version)
            if row.claimed:
                self._renew_now()
                return
            if row.version > self._version:
                self._take(row)
                return
            if self._left_s() > 0:
                return  # good for this call; another process renews it
            if time.monotonic() > until:
                raise Unavailable("Your session could not be renewed in time; try again.")
            time.sleep(_LOOK_EVERY_S)

    def _renew_now(self) -> None:
        try:
            tokens = self._auth.renew(self._refresh_token)
        except NotSignedIn:
            self._end()
        except Unavailable:
            self._rows.release(self._sha256, self._version)
            if self._left_s() > 0:
                return
            raise
        if tokens.user_id != self.user_id:
            self._end()  # nobody is two people, whatever the table or Auth says
        self._take(self._rows.renewed(self._sha256, self._version, tokens))

    def _end(self) -> NoReturn:
        self.ended = True
        self._rows.expire(self._sha256)
        raise NotSignedIn(ENDED) from None


class BrowserSessions:
    """The sessions of all browsers. Its methods block.

    Args:
        machine: the database as the orchestrator sees it, which alone may keep sessions.
        seal: the installation's.
    """

    def __init__(self, machine: Database, auth: Auth, seal: Seal) -> None:
        self._auth = auth
        self._rows = SessionRows(machine, seal)
        self._found: dict[str, tuple[BrowserSession, float]] = {}

    def open(self, tokens: Tokens, method: str, browser: Browser, replaces: str | None = None) -> str:
        """Open a session; returns the secret for the browser's cookie.

        Args:
            method: how the person signed in.
            replaces: the secret of the session that this browser had before; None if it had none.
        """
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        self._rows.open(sha256_of(secret), tokens, method, browser, sha256_of(replaces) if replaces else None)
        return secret

    def find(self, secret: str) -> BrowserSession | None:
        """The session of a cookie; None if it has ended. It may have ended up to 15 seconds ago.

        Raises:
            Unavailable: the database does not answer.
        """
        sha256 = sha256_of(secret)
        known, trusted_until = self._found.get(sha256, (None, 0.0))
        # Whoever waits for a role looks again and again.
        if known and known.role and not known.ended and time.monotonic() < trusted_until:
            return known
        row = self._rows.read(sha256)
        if row is None:
            self._found.pop(sha256, None)
            return None
        return self._known(sha256, known, row)

    def close(self, secret: str, *, everywhere: bool, browser: Browser) -> None:
        """Close a session, or all of its person's, here and at Auth, as far as that can be reached."""
        token, sha256 = self._token(secret), sha256_of(secret)
        self._found.pop(sha256, None)
        self._rows.close(sha256, everywhere=everywhere, browser=browser)
        try:
            if token:
                self._auth.sign_out(token, everywhere=everywhere)
        except StoreError as error:
            log.warning("A session is closed here, but not at Auth: %s", error)

    def _known(self, sha256: str, known: BrowserSession | None, row: SessionRow) -> BrowserSession | None:
        try:
            if known:
                known.take(row)
            session = known or BrowserSession(self._rows, self._auth, sha256, row)
        except NotSignedIn:
            return None  # sealed by another installation
        if len(self._found) > _MOST_KNOWN:
            self._found.clear()
        self._found[sha256] = session, time.monotonic() + _TRUSTED_S
        return session

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
