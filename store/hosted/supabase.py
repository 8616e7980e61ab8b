"""A hosted Supabase project: the same calls through PostgREST, one shared HTTP pool, a light client per call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import httpx

from store import network
from store.database import Argument, Database, Json
from store.errors import InvalidInput, NotSignedIn, StoreError, Unavailable, from_state
from store.hosted.auth import Auth
from store.hosted.browsers import BrowserSessions
from store.hosted.refusals import OUT_OF_REACH, STATUS_SENTENCES, WRONG_KEY
from store.hosted.seal import Seal
from store.hosted.sessions import GivenIdentity, PasswordSessions, TokenSource
from store.hosted.setup import check_setup
from store.identity import TOKEN_HEADER, Identity, PasswordLogin

if TYPE_CHECKING:
    from supabase import Client

_TIME_LIMITS = httpx.Timeout(15.0, connect=5.0, pool=10.0)


class SupabaseDatabase:
    """The calls of one identity; each call creates a new client, which costs next to nothing."""

    def __init__(self, store: SupabaseStore, tokens: TokenSource, *, api_token_sha256: str | None = None) -> None:
        """Create one.

        Args:
            api_token_sha256: hash of the API token for which the orchestrator calls; None if it calls for itself.
        """
        self._store = store
        self._tokens = tokens
        self._api_token_sha256 = api_token_sha256

    def call(self, function: str, **arguments: Argument) -> Json:
        """See `store.database.Database.call`."""
        from postgrest.exceptions import APIError

        identity = self._tokens.identity()
        client = self._store.client(identity, api_token_sha256=self._api_token_sha256)
        try:
            return cast(Json, client.rpc(function, dict(arguments)).execute().data)
        except APIError as error:
            raise self._refusal(identity, error.code, error.message) from error
        except _Restricted as error:
            raise Unavailable(STATUS_SENTENCES[error.response.status_code]) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(OUT_OF_REACH) from error
        except ValueError as error:
            raise InvalidInput from error  # an argument has no JSON form
        except (RecursionError, RuntimeError) as error:  # an endlessly nested answer, or a closed client
            raise Unavailable(OUT_OF_REACH) from error

    def _refusal(self, identity: Identity, code: str | None, message: str | None) -> StoreError:
        if "API key" in (message or ""):
            return Unavailable(WRONG_KEY)
        refusal = from_state(code, message)
        if isinstance(refusal, NotSignedIn) and self._api_token_sha256 is None:
            self._tokens.forget(identity)
        return refusal


class SupabaseStore:
    """The databases of one project. Nothing is connected until the first call."""

    local = False

    def __init__(
        self,
        url: str,
        key: str,
        *,
        machine: PasswordLogin | None = None,
        person: PasswordLogin | None = None,
        cookie_secret: str | None = None,
    ) -> None:
        """Create one.

        Args:
            cookie_secret: what the sessions of browsers are sealed with; None if no browser signs in.

        Raises:
            InvalidInput: the proxy or the certificates from the environment are unusable.
        """
        self._url = url
        self._key = key
        self._machine = machine
        self._person = person
        self._http = _http_client(url)
        self.auth = Auth(self.client)
        self._passwords = PasswordSessions(self.auth)
        self._seal = Seal(cookie_secret) if cookie_secret else None
        self._browsers: BrowserSessions | None = None

    def person(self) -> Database:
        """See `store.database.Store.person`.

        Raises:
            NotSignedIn: no sign-in is configured.
        """
        if self._person is None:
            raise NotSignedIn("Nobody is signed in to Supabase; set SUPABASE_EMAIL and SUPABASE_PASSWORD.")
        return self.signed_in(self._passwords.of(self._person))

    def machine(self) -> Database:
        """See `store.database.Store.machine`.

        Raises:
            NotSignedIn: no sign-in is configured.
        """
        return self.signed_in(self._as_machine())

    def for_api_token(self, sha256: str) -> Database:
        """See `store.database.Store.for_api_token`."""
        return SupabaseDatabase(self, self._as_machine(), api_token_sha256=sha256)

    def signed_in(self, tokens: TokenSource) -> SupabaseDatabase:
        """The database as the person with these tokens sees it."""
        return SupabaseDatabase(self, tokens)

    def bearer(self, access_token: str) -> Database:
        """The database as the bearer of an access token sees it; the project itself checks the token at each call."""
        return self.signed_in(GivenIdentity(Identity(None, access_token)))

    def database(self, login: PasswordLogin | None) -> SupabaseDatabase:
        """The database as this user sees it; None stands for an anonymous user."""
        return self.signed_in(self._passwords.of(login) if login else GivenIdentity())

    def seal(self) -> Seal:
        """What only this installation can read.

        Raises:
            InvalidInput: ORCHESTRATOR_COOKIE_SECRET is missing.
        """
        if self._seal is None:
            raise InvalidInput(_NO_SECRET)
        return self._seal

    def browsers(self) -> BrowserSessions:
        """The browsers that are signed in.

        Raises:
            InvalidInput: ORCHESTRATOR_COOKIE_SECRET is missing.
            NotSignedIn: the orchestrator has no user.
        """
        if self._browsers is None:
            self._browsers = BrowserSessions(self.machine(), self.auth, self.seal())
        return self._browsers

    def check(self) -> None:
        """See `store.database.Store.check`."""
        check_setup(self.machine())

    def close(self) -> None:
        """See `store.database.Store.close`."""
        self._http.close()

    def client(
        self,
        identity: Identity,
        *,
        api_token_sha256: str | None = None,
        flow_type: Literal["implicit", "pkce"] = "implicit",
    ) -> Client:
        """A client that sends this identity's token; it starts no timer, keeps no session and never retries."""
        from supabase import ClientOptions, create_client

        headers = {"Authorization": f"Bearer {identity.access_token}"} if identity.access_token else {}
        if api_token_sha256:
            headers[TOKEN_HEADER] = api_token_sha256
        options = ClientOptions(
            httpx_client=self._http,
            auto_refresh_token=False,
            persist_session=False,
            headers=headers,
            flow_type=flow_type,
        )
        try:
            return create_client(self._url, self._key, options)
        except Exception as error:  # its own exception class is not exported; any failure here is a bad URL or key
            raise Unavailable("SUPABASE_URL or SUPABASE_KEY is not valid for a Supabase project.") from error

    def _as_machine(self) -> TokenSource:
        if self._machine is None:
            raise NotSignedIn(
                "The orchestrator has no Supabase user to record as; set ORCHESTRATOR_EMAIL and ORCHESTRATOR_PASSWORD."
            )
        return self._passwords.of(self._machine)


_NO_SECRET = (
    "ORCHESTRATOR_COOKIE_SECRET is missing; set it to a random text of 32 characters or more, the same on every host."  # noqa: S105
)


def _http_client(url: str) -> httpx.Client:
    # HTTP/1.1: httpcore's HTTP/2 loses requests when threads share a connection. The proxy is looked up here, because
    # httpx raises an exception for a NO_PROXY that it cannot parse.
    try:
        return httpx.Client(
            http2=False,
            timeout=_TIME_LIMITS,
            trust_env=False,
            verify=httpx.create_ssl_context(),
            proxy=network.proxy_for(url),
            event_hooks={"response": [_only_json]},
        )
    except network.MISTAKES as error:
        raise InvalidInput(network.complaint(error)) from None


class _Restricted(httpx.HTTPStatusError):
    """The project is paused or restricted, for any request."""


def _only_json(response: httpx.Response) -> None:
    """Reject a success that is not JSON, such as a network's sign-in page, and detect a paused project."""
    if response.status_code in (402, 540) and "/rest/" in response.request.url.path:
        raise _Restricted("restricted", request=response.request, response=response)
    # Signing out answers with nothing at all.
    nothing = response.status_code == httpx.codes.NO_CONTENT
    is_json = response.headers.get("content-type", "").startswith("application/json")
    if response.is_success and not (nothing or is_json):
        raise httpx.RemoteProtocolError("The answer is not JSON.", request=response.request)
