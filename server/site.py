"""What the HTTP layer knows about this installation: its application, its address, its visitors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import Response

from orchestrator import Application
from store.caller import COOKIE
from store.hosted.browsers import ABSOLUTE_S, BrowserSession
from store.hosted.supabase import SupabaseStore

UNFINISHED_COOKIE = "console_sign_in"
KNOWN_COOKIE = "console_known"
UNFINISHED_S = 600
_KNOWN_S = 365 * 24 * 3600


class MakeApplication(Protocol):
    """Provides this process's application."""

    def __call__(self) -> Application:
        """The application.

        Raises:
            OrchestratorError, StoreError: it cannot be created now.
        """


@dataclass(frozen=True, slots=True)
class Site:
    """This installation.

    Attributes:
        application: creates it on first use.
        base: the path below which the console is served; empty, or like `/console`.
        public_url: what people type, without a path; None if it is whatever they typed.
        signs_in: whether people sign in; otherwise whoever gets in is the admin of the embedded database.
        providers: the OAuth providers and SSO domains that people may sign in with.
    """

    application: MakeApplication
    base: str = ""
    public_url: str | None = None
    signs_in: bool = False
    providers: tuple[str, ...] = ()

    def store(self) -> SupabaseStore:
        """The hosted project; only for a site that signs people in.

        Raises:
            OrchestratorError, StoreError: there is no application now.
        """
        return cast(SupabaseStore, self.application().store)

    def visitor(self, secret: str | None) -> BrowserSession | None:
        """The session of a browser; None if it is not signed in.

        Raises:
            OrchestratorError, StoreError: nobody can tell now.
        """
        return self.store().browsers().find(secret) if secret else None

    def path_of(self, scope: Mapping[str, Any]) -> str:
        """The requested path below the base."""
        path = str(scope["path"])
        below = self.base and (path == self.base or path.startswith(f"{self.base}/"))
        return path.removeprefix(self.base) or "/" if below else path

    def absolute(self, connection: HTTPConnection, path: str) -> str:
        """The URL of one of our own paths, as other sites need it."""
        origin = self.public_url or f"{connection.url.scheme}://{connection.url.netloc}"
        return f"{origin}{self.base}{path}"

    def is_https(self, connection: HTTPConnection) -> bool:
        """Whether browsers reach us over https."""
        return self.absolute(connection, "").startswith("https:")

    def set_session(self, connection: HTTPConnection, response: Response, secret: str) -> None:
        """Sign the browser in."""
        self._set(connection, response, COOKIE, secret, ABSOLUTE_S)

    def set_unfinished(self, connection: HTTPConnection, response: Response, secret: str) -> None:
        """Let the browser remember a sign-in that has begun."""
        self._set(connection, response, UNFINISHED_COOKIE, secret, UNFINISHED_S)

    def set_known(self, connection: HTTPConnection, response: Response, mark: str) -> None:
        """Let the browser remember an account that it has signed in to."""
        self._set(connection, response, KNOWN_COOKIE, mark, _KNOWN_S)

    def drop(self, response: Response, *names: str) -> None:
        """Take cookies back."""
        for name in names:
            response.delete_cookie(name, path=self.base or "/", httponly=True, samesite="lax")

    def _set(self, connection: HTTPConnection, response: Response, name: str, value: str, age_s: int) -> None:
        response.set_cookie(
            name, value, max_age=age_s, path=self.base or "/", secure=self.is_https(connection), httponly=True,
            samesite="lax",
        )  # fmt: skip


def session_cookie(scope: Mapping[str, Any]) -> str | None:
    """The secret of the session in a request's cookies; None if there is none."""
    # Python's own parser gives up at the first cookie that it cannot read.
    sent = [cookie_parser(value.decode("latin-1")) for name, value in scope["headers"] if name == b"cookie"]
    return next((found for cookies in sent if (found := cookies.get(COOKIE))), None)


def browser_of(connection: HTTPConnection) -> dict[str, str | None]:
    """Where a request came from, for the audit log."""
    agent = connection.headers.get("user-agent")
    return {"ip_address": connection.client.host if connection.client else None, "user_agent": agent and agent[:300]}
