"""Slows down guessing: every refused sign-in is counted for its address and its account, across all hosts."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from server.site import Site, browser_of
from store import understood


@dataclass(frozen=True, slots=True)
class _Wait:
    wait_s: int


class Throttle:
    """Counts refusals in the project's database; addresses and accounts reach it as hashes only."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def wait_s(self, connection: HTTPConnection, email: str) -> int:
        """How many seconds this address and account must wait before the next try; 0 for none."""
        answer = self._site.store().machine().call("sign_in_wait", **self._subjects(connection, email))
        return understood(_Wait, answer).wait_s

    def refused(self, connection: HTTPConnection, email: str) -> None:
        """Count a refusal and record it."""
        self._site.store().machine().call(
            "refuse_sign_in", **self._subjects(connection, email), p_browser=dict(browser_of(connection))
        )

    def _subjects(self, connection: HTTPConnection, email: str) -> dict[str, str]:
        seal = self._site.store().seal()
        address = connection.client.host if connection.client else ""
        return {"p_address": seal.digest(address), "p_account": seal.digest(email.strip().casefold())}
