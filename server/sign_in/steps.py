"""The steps of a sign-in, each of which ends in the next page; they call Supabase Auth and so block."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.sign_in import pages
from server.sign_in.throttle import Throttle
from server.sign_in.unfinished import Method, Unfinished, keep
from server.site import UNFINISHED_COOKIE, Site, browser_of, session_cookie
from store import InvalidInput, NotSignedIn, TooManyRequests
from store.hosted.auth import Tokens
from store.hosted.sessions import GivenIdentity
from store.identity import Identity, PasswordLogin

_WRONG = "The e-mail address or the password is not right, or this account may not sign in."
_WRONG_CODE = "This code is not right, or it is too old. Type the one that your app shows now."
_LEAST_PASSWORD_CHARS, _MOST_PASSWORD_BYTES = 8, 72


class WrongCredentials(Exception):
    """A sign-in was refused; the message is the same whether the account exists or not.

    Attributes:
        wait_s: how long to wait before the next try; 0 for not at all.
    """

    def __init__(self, message: str, wait_s: int = 0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Steps:
    """What happens between the form and the console."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._throttle = Throttle(site)

    def with_password(self, request: Request, email: str, password: str, asked: str) -> Response:
        """Sign in with e-mail and password.

        Raises:
            WrongCredentials: refused, or too soon after too many refusals.
        """
        self._wait(request, email)
        try:
            tokens = self._site.store().auth.sign_in(PasswordLogin(email, password))
        except (InvalidInput, NotSignedIn):
            self._throttle.refused(request, email)
            raise WrongCredentials(_WRONG) from None
        return self._next(request, Unfinished(asked, "password", tokens=tokens, account=email))

    def to_provider(self, request: Request, provider: str, asked: str) -> Response:
        """Send the browser to a provider's page."""
        redirect = self._site.store().auth.provider_redirect(provider, self._site.absolute(request, "/auth/callback"))
        response = RedirectResponse(redirect.url, 303)
        keep(self._site, request, response, Unfinished(asked, "provider", verifier=redirect.verifier))
        return response

    def with_provider_code(self, request: Request, begun: Unfinished, code: str) -> Response:
        """Sign in with the code that a provider's page returned.

        Raises:
            NotSignedIn: the code is not good for this browser.
        """
        tokens = self._site.store().auth.exchange(code, begun.verifier or "")
        return self._next(request, replace(begun, tokens=tokens, verifier=None))

    def with_second_factor(self, request: Request, begun: Unfinished, code: str) -> Response:
        """Go on with the code of a second factor.

        Raises:
            WrongCredentials: the code is wrong, or it is too soon after too many wrong ones.
        """
        tokens = begun.tokens
        if tokens is None:
            raise NotSignedIn
        self._wait(request, tokens.user_id)
        try:
            verified = self._site.store().auth.verify_second_factor(tokens, "".join(code.split()))
        except (InvalidInput, NotSignedIn):
            self._throttle.refused(request, tokens.user_id)
            raise WrongCredentials(_WRONG_CODE) from None
        response = self._next(request, replace(begun, tokens=verified))
        self._throttle.accepted(request, response, tokens.user_id)
        return response

    def with_link(self, request: Request, refresh_token: str, kind: str) -> Response:
        """Go on with the tokens of a link: choose a password, after the second factor if there is one.

        Raises:
            NotSignedIn: Auth does not know the tokens.
        """
        # Renewing tells whether they are good without asking this host what time it is.
        tokens = self._site.store().auth.renew(refresh_token)
        method: Method = "invitation" if kind == "invite" else "reset"
        return self._next(request, Unfinished("/", method, tokens=tokens))

    def with_new_password(self, request: Request, begun: Unfinished, password: str) -> Response:
        """Save the password, and sign in.

        Raises:
            InvalidInput: the password is too short, or the project does not accept it.
        """
        if begun.tokens is None or begun.method not in ("invitation", "reset"):
            raise NotSignedIn
        if len(password) < _LEAST_PASSWORD_CHARS:
            raise InvalidInput(f"A password needs at least {_LEAST_PASSWORD_CHARS} characters.")
        if len(password.encode()) > _MOST_PASSWORD_BYTES:
            raise InvalidInput(
                f"A password has at most {_MOST_PASSWORD_BYTES} characters; accents and signs count double."
            )
        self._site.store().auth.set_password(begun.tokens, password)
        return self._open(request, begun, begun.tokens)

    def send_reset(self, request: Request, email: str) -> None:
        """Send a link for a new password, if there is such an account."""
        # Auth limits how many mails an account gets; saying so would tell that there is one.
        with contextlib.suppress(InvalidInput, NotSignedIn, TooManyRequests):
            self._site.store().auth.send_reset(email, self._site.absolute(request, "/auth/accept"))

    def leave(self, secret: str, everywhere: bool, browser: dict[str, str | None]) -> None:
        """Close the session."""
        self._site.store().browsers().close(secret, everywhere=everywhere, browser=browser)

    def _wait(self, request: Request, account: str) -> None:
        if wait_s := self._throttle.begin(request, account):
            raise WrongCredentials(f"Too many attempts. Wait {wait_s} seconds and try again.", wait_s)

    def _next(self, request: Request, begun: Unfinished) -> Response:
        """The page after Auth has given tokens."""
        tokens = begun.tokens
        if tokens is None:
            raise NotSignedIn
        if tokens.factor_id:
            response: Response = pages.page(self._site, "second_factor")
        elif begun.method in ("invitation", "reset"):
            response = pages.page(self._site, "new_password", invited=begun.method == "invitation")
        else:
            return self._open(request, begun, tokens)
        keep(self._site, request, response, begun)
        return response

    def _open(self, request: Request, begun: Unfinished, tokens: Tokens) -> Response:
        store = self._site.store()
        secret = store.browsers().open(tokens, begun.method, browser_of(request), session_cookie(request.scope))
        # Whoever has no role yet asks for one by signing in.
        store.signed_in(GivenIdentity(Identity(tokens.user_id, tokens.access_token))).call("request_access")
        response = RedirectResponse(f"{self._site.base}{begun.next}", 303)
        self._site.set_session(request, response, secret)
        self._site.drop(response, UNFINISHED_COOKIE)
        if begun.account:
            self._throttle.accepted(request, response, begun.account)
        return response
