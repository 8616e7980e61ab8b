"""Supabase Auth: signing in, renewing, second factors, passwords. Each call uses a client of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import jwt

from store.errors import NotSignedIn
from store.hosted.refusals import understood_refusals
from store.identity import NOBODY, PasswordLogin

if TYPE_CHECKING:
    from supabase_auth.types import Session

    from supabase import Client

_NO_SESSION = "Supabase returned no session; is the e-mail address confirmed?"
_VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What Auth gives to somebody who signed in.

    Attributes:
        refresh_token: renews the access token, once.
        expires_in_s: how long the access token is valid from now.
        factor_id: the second factor that has not been used yet; None if there is none.
    """

    user_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: float
    factor_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderRedirect:
    """Where a provider asks the person who they are.

    Attributes:
        verifier: proves later that it is the same browser that returns.
    """

    url: str
    verifier: str = field(repr=False)


class Auth:
    """Supabase Auth of one project. Its methods block and raise the errors of `understood_refusals`.

    Args:
        client: creates a client without a session; signing in rewrites a client's headers, so each is used once.
    """

    def __init__(self, client: Callable[..., Client]) -> None:
        self._client = client

    def sign_in(self, login: PasswordLogin) -> Tokens:
        """Sign in with e-mail and password."""
        with understood_refusals(login.email):
            answer = self._client(NOBODY).auth.sign_in_with_password({"email": login.email, "password": login.password})
        return _tokens(answer.session)

    def renew(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token, which works only once."""
        with understood_refusals():
            answer = self._client(NOBODY).auth.refresh_session(refresh_token)
        return _tokens(answer.session)

    def provider_redirect(self, provider: str, redirect_to: str) -> ProviderRedirect:
        """Where the browser goes to sign in with an OAuth provider such as `google`, or with SSO at a domain.

        Args:
            provider: a name that Auth knows, or a domain such as `example.com` for SSO.
            redirect_to: where the browser returns with a code; the project must allow it.
        """
        client = self._client(NOBODY, flow_type="pkce")
        options: Any = {"redirect_to": redirect_to}
        with understood_refusals():
            if "." in provider:
                url = client.auth.sign_in_with_sso({"domain": provider, "options": options}).url
            else:
                url = client.auth.sign_in_with_oauth({"provider": provider, "options": options}).url  # type: ignore[typeddict-item]  # Auth knows more providers than the library's list
        verifier = client.auth._storage.get_item(f"{client.auth._storage_key}-code-verifier")
        return ProviderRedirect(url, str(verifier))

    def exchange(self, code: str, verifier: str) -> Tokens:
        """The tokens for the code with which a provider's page returned."""
        with understood_refusals():
            params: Any = {"auth_code": code, "code_verifier": verifier}
            answer = self._client(NOBODY, flow_type="pkce").auth.exchange_code_for_session(params)
        return _tokens(answer.session)

    def verify_second_factor(self, tokens: Tokens, code: str) -> Tokens:
        """Tokens that have used the second factor, for the code that an authenticator app shows."""
        from supabase_auth.helpers import parse_auth_response

        factor = f"factors/{tokens.factor_id}"
        with understood_refusals():
            challenge = self._asked("POST", f"{factor}/challenge", {}, tokens)
            body = {"challenge_id": challenge.json()["id"], "code": code}
            answer = parse_auth_response(self._asked("POST", f"{factor}/verify", body, tokens))
        return _tokens(answer.session)

    def send_reset(self, email: str, redirect_to: str) -> None:
        """Send a link for choosing a new password, if there is such a user; nothing tells whether there is."""
        with understood_refusals(email):
            self._client(NOBODY).auth.reset_password_for_email(email, {"redirect_to": redirect_to})

    def set_password(self, tokens: Tokens, password: str) -> None:
        """Give the person a new password.

        Raises:
            InvalidInput: the project does not accept it.
        """
        with understood_refusals():
            self._asked("PUT", "user", {"password": password}, tokens)

    def sign_out(self, access_token: str, *, everywhere: bool) -> None:
        """End the session at Auth, or all sessions of its user; nothing happens if it has ended already."""
        with suppress(NotSignedIn), understood_refusals():
            self._client(NOBODY).auth.admin.sign_out(access_token, "global" if everywhere else "local")

    def _asked(self, method: Literal["POST", "PUT"], path: str, body: dict[str, Any], tokens: Tokens) -> Any:
        # The library's own methods would look at this host's clock first, and renew tokens that are good.
        return self._client(NOBODY).auth._request(method, path, body=body, jwt=tokens.access_token)


def _tokens(session: Session | None) -> Tokens:
    if session is None:
        raise NotSignedIn(_NO_SESSION)
    return Tokens(
        user_id=session.user.id,
        access_token=session.access_token,
        refresh_token=session.refresh_token,
        expires_in_s=float(session.expires_in),
        factor_id=_unused_factor(session),
    )


def _unused_factor(session: Session) -> str | None:
    factors = [factor for factor in session.user.factors or [] if factor.status == _VERIFIED]
    if not factors:
        return None
    # Auth itself has just sent this token over its own connection.
    used = jwt.decode(session.access_token, options={"verify_signature": False}).get("aal") == "aal2"
    return None if used else factors[0].id
