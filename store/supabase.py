"""A hosted Supabase project: the same calls through PostgREST, one shared HTTP pool, a light client per token."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

import httpx

from store.database import Argument, Database, Json
from store.errors import NotSignedIn, StoreError, Unavailable, from_state
from store.identity import NOBODY, Identity, PasswordLogin

if TYPE_CHECKING:
    from supabase import Client

_TIME_LIMITS = httpx.Timeout(15.0, connect=5.0, pool=10.0)
# A token is renewed this long before its end, so that no call starts with one that ends on the way.
_RENEWAL_S = 60.0
_OUT_OF_REACH = "The Supabase project does not answer; check SUPABASE_URL and the network."


class SupabaseDatabase:
    """The calls of one identity; the client is made anew when its session was renewed."""

    def __init__(self, store: SupabaseStore, login: PasswordLogin | None) -> None:
        self._store = store
        self._login = login

    def call(self, function: str, **arguments: Argument) -> Json:
        """See `store.database.Database.call`."""
        from postgrest.exceptions import APIError

        identity = self._store.session(self._login) if self._login else NOBODY
        try:
            return cast(Json, self._store.client(identity).rpc(function, dict(arguments)).execute().data)
        except APIError as error:
            raise from_state(error.code, error.message) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(_OUT_OF_REACH) from error


class SupabaseStore:
    """The databases of one project. Nothing is connected until the first call."""

    local = False

    def __init__(
        self, url: str, key: str, *, machine: PasswordLogin | None = None, person: PasswordLogin | None = None
    ) -> None:
        self._url = url
        self._key = key
        self._machine = machine
        self._person = person
        # HTTP/1.1: httpcore's HTTP/2 loses requests when threads share a connection.
        self._http = httpx.Client(http2=False, timeout=_TIME_LIMITS)
        self._sessions: dict[PasswordLogin, tuple[Identity, float]] = {}
        self._guard = threading.Lock()

    def person(self) -> Database:
        """See `store.database.Store.person`.

        Raises:
            NotSignedIn: no sign-in is configured.
        """
        if self._person is None:
            raise NotSignedIn("Nobody is signed in to Supabase; set SUPABASE_EMAIL and SUPABASE_PASSWORD.")
        return self.database(self._person)

    def machine(self) -> Database:
        """See `store.database.Store.machine`.

        Raises:
            NotSignedIn: no sign-in is configured.
        """
        if self._machine is None:
            raise NotSignedIn(
                "The orchestrator has no Supabase user to record as; set ORCHESTRATOR_EMAIL and ORCHESTRATOR_PASSWORD."
            )
        return self.database(self._machine)

    def database(self, login: PasswordLogin | None) -> SupabaseDatabase:
        """The database as this user sees it; None sees what nobody in particular may."""
        return SupabaseDatabase(self, login)

    def close(self) -> None:
        """See `store.database.Store.close`."""
        self._http.close()

    def session(self, login: PasswordLogin) -> Identity:
        """A user's identity with a token that is still good, signed in again when it is about to end.

        Raises:
            NotSignedIn: e-mail or password were refused.
            Unavailable: the project does not answer.
        """
        with self._guard:
            identity, ends_at = self._sessions.get(login, (NOBODY, 0.0))
            if time.monotonic() > ends_at - _RENEWAL_S:
                identity, lifetime_s = self._sign_in(login)
                self._sessions[login] = identity, time.monotonic() + lifetime_s
            return identity

    def client(self, identity: Identity) -> Client:
        """A client that sends this identity's token; it starts no timer, keeps no session and never retries."""
        from supabase import ClientOptions, create_client

        token = {"Authorization": f"Bearer {identity.access_token}"} if identity.access_token else {}
        options = ClientOptions(httpx_client=self._http, auto_refresh_token=False, persist_session=False, headers=token)
        try:
            return create_client(self._url, self._key, options)
        except Exception as error:
            raise Unavailable("SUPABASE_URL or SUPABASE_KEY is not what a Supabase project gives out.") from error

    def _sign_in(self, login: PasswordLogin) -> tuple[Identity, float]:
        from supabase_auth.errors import AuthError, AuthRetryableError

        # A client of its own, since signing in rewrites a client's Authorization header.
        auth = self.client(NOBODY).auth
        try:
            session = auth.sign_in_with_password({"email": login.email, "password": login.password}).session
        except AuthRetryableError as error:
            raise Unavailable(_OUT_OF_REACH) from error
        except AuthError as error:
            raise _refused(login, error) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(_OUT_OF_REACH) from error
        if session is None:
            raise NotSignedIn("Supabase gave no session; is the e-mail address confirmed?")
        return Identity(session.user.id, session.access_token), float(session.expires_in)


def _refused(login: PasswordLogin, error: Exception) -> StoreError:
    status = getattr(error, "status", None)
    if isinstance(status, int) and status >= 500:
        return Unavailable(_OUT_OF_REACH)
    return NotSignedIn(f"Supabase refused the e-mail or password of {login.email}.")
