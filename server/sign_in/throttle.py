"""Slows down guessing: every attempt counts for its address and its account, across all hosts, before it is made."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response

from server.site import KNOWN_COOKIE, Site, browser_of
from store import understood


@dataclass(frozen=True, slots=True)
class _Wait:
    wait_s: int


class Throttle:
    """Counts attempts in the project's database; addresses and accounts reach it as hashes only."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def begin(self, connection: HTTPConnection, account: str) -> int:
        """Count an attempt; returns how many seconds it must wait instead, 0 if it may be made."""
        shown = connection.cookies.get(KNOWN_COOKIE, "").encode("utf-8", "replace")
        known = hmac.compare_digest(shown, self._mark(account).encode())
        answer = self._site.store().machine().call(
            "begin_sign_in", p_address=self._address(connection), p_account=self._account(account), p_known=known
        )  # fmt: skip
        return understood(_Wait, answer).wait_s

    def refused(self, connection: HTTPConnection, account: str) -> None:
        """Record that an attempt was refused."""
        self._site.store().machine().call(
            "refuse_sign_in", p_account=self._account(account), p_browser=dict(browser_of(connection))
        )

    def accepted(self, connection: HTTPConnection, response: Response, account: str) -> None:
        """Forget the attempts, and let the account know this browser."""
        self._site.store().machine().call(
            "accept_sign_in", p_address=self._address(connection), p_account=self._account(account)
        )
        self._site.set_known(connection, response, self._mark(account))

    def _address(self, connection: HTTPConnection) -> str:
        return self._site.store().seal().digest(connection.client.host if connection.client else "")

    def _account(self, account: str) -> str:
        return self._site.store().seal().digest(account.strip().casefold())

    def _mark(self, account: str) -> str:
        """What the cookie of a browser holds that has signed in to this account."""
        return self._site.store().seal().digest(f"known {account.strip().casefold()}")
