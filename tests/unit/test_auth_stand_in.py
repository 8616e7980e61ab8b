"""The stand-in for Supabase Auth as the real library sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from supabase_auth.errors import AuthApiError, AuthError, AuthRetryableError, AuthWeakPasswordError
from supabase_auth.types import AuthResponse, Session

from store import clock
from supabase import Client, ClientOptions, create_client
from tests.database.gateway import API_KEY, API_KEYS, JWT_SECRET, LEGACY_KEY, Gateway, serving
from tests.supabase_auth import AuthServer, Signing, User, totp

EMAIL = "ada@example.com"
PASSWORD = "difference engine"
APPLICATION = "https://console.example.com/signed-in"


@pytest.fixture(name="auth")
def auth_fixture() -> Iterator[AuthServer]:
    """A project with one user, which signs with a pair of keys."""
    auth = AuthServer(api_keys=API_KEYS, signing=Signing.es256(secret=JWT_SECRET))
    auth.redirect_urls = ["https://console.example.com"]
    auth.add_user(EMAIL, PASSWORD)
    with serving(auth.app) as auth.url:
        yield auth


class MakeClient(Protocol):
    """Creates clients."""

    def __call__(self, key: str = API_KEY) -> Client:
        """A client that nobody has signed in with."""


@pytest.fixture(name="make_client")
def make_client_fixture(auth: AuthServer) -> Iterator[MakeClient]:
    """Creates clients as the console does."""
    with httpx.Client(trust_env=False, follow_redirects=True) as http:

        def make(key: str = API_KEY) -> Client:
            options = ClientOptions(
                httpx_client=http, auto_refresh_token=False, persist_session=False, flow_type="pkce"
            )
            return create_client(str(auth.url), key, options)

        yield make


@pytest.fixture(name="client")
def client_fixture(make_client: MakeClient) -> Client:
    """A client that nobody has signed in with."""
    return make_client()


@pytest.fixture(name="browser")
def browser_fixture(auth: AuthServer) -> Iterator[httpx.Client]:
    """Follows no redirect and knows no key."""
    with httpx.Client(base_url=f"{auth.url}/auth/v1", trust_env=False) as browser:
        yield browser


def sign_in(client: Client, password: str = PASSWORD) -> Session:
    return opened(client.auth.sign_in_with_password({"email": EMAIL, "password": password}))


def opened(answer: AuthResponse) -> Session:
    assert answer.session is not None
    return answer.session


def refused(action: Callable[[], object]) -> str | None:
    """The code of the error."""
    with pytest.raises(AuthError) as caught:
        action()
    return caught.value.code


def later(seconds: float) -> None:
    clock.use(lambda: clock.system() + timedelta(seconds=seconds))


def press(browser: httpx.Client, page: str) -> str:
    """Where the button on a provider's page leads to in the end."""
    state, code = re.findall(r'value="([^"]+)"', page)
    return browser.get("/callback", params={"state": state, "code": code}).headers["location"]


def followed(browser: httpx.Client, link: str) -> tuple[str, dict[str, list[str]], dict[str, list[str]]]:
    """Where a link leads to: the address, its query and its fragment."""
    answer = browser.get(link)
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parse_qs(parts.query), parse_qs(parts.fragment)


def test_wrong_sign_ins_are_refused(auth: AuthServer, client: Client) -> None:
    """A wrong password and an unknown address get the same answer."""
    auth.add_user("new@example.com", PASSWORD, confirmed=False)
    known, unknown, new = (
        {"email": EMAIL, "password": "wrong"},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": "new@example.com", "password": PASSWORD},
    )
    with httpx.Client(base_url=str(auth.url), headers={"apikey": LEGACY_KEY}, trust_env=False) as http:
        answers = [http.post("/auth/v1/token?grant_type=password", json=who) for who in (known, unknown, new)]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json() == {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
    assert answers[2].json()["error_code"] == "email_not_confirmed"
    auth.failures_per_minute = 2
    assert refused(lambda: sign_in(client)) == "over_request_rate_limit"
    later(61)
    sign_in(client)


def test_a_refresh_token_is_good_for_one_use(auth: AuthServer, client: Client, make_client: MakeClient) -> None:
    """Soon afterwards it gets the current one, later it ends the session."""
    first = sign_in(client)
    second = opened(client.auth.refresh_session(first.refresh_token))
    later(9)
    assert opened(client.auth.refresh_session(first.refresh_token)).refresh_token == second.refresh_token
    later(11)
    assert refused(lambda: client.auth.refresh_session(first.refresh_token)) == "refresh_token_already_used"
    assert refused(lambda: client.auth.refresh_session(second.refresh_token)) == "refresh_token_not_found"
    assert refused(lambda: client.auth.get_user(second.access_token)) == "session_not_found"
    auth.parent_may_return = True
    other = make_client()
    before = sign_in(other).refresh_token
    current = opened(other.auth.refresh_session(before)).refresh_token
    later(1000)
    assert opened(other.auth.refresh_session(before)).refresh_token == current


def test_threads_that_refresh_at_once_share_the_next_token(auth: AuthServer, client: Client) -> None:
    """Sixteen uses of one token at the same time give out one other token."""
    token = sign_in(client).refresh_token
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: opened(client.auth.refresh_session(token)).refresh_token, range(16)))
    assert len(set(answers)) == 1
    assert auth.calls["token/refresh_token"] == 16


def test_a_provider_signs_somebody_in(auth: AuthServer, client: Client, browser: httpx.Client) -> None:
    """The code of the redirect is good once, and only for the client that began."""
    auth.add_provider("google", "grace@example.com")
    begun = client.auth.sign_in_with_oauth({"provider": "google", "options": {"redirect_to": f"{APPLICATION}?to=1"}})
    page = browser.get(begun.url).text
    assert "Continue as grace@example.com" in page
    target = press(browser, page)
    assert target.startswith(f"{APPLICATION}?to=1&code=")
    code = parse_qs(urlsplit(target).query)["code"][0]
    wrong = {"auth_code": code, "code_verifier": "w" * 64, "redirect_to": APPLICATION}
    assert refused(lambda: client.auth.exchange_code_for_session(wrong)) == "bad_code_verifier"  # type: ignore[arg-type]  # a plain dict is taken
    session = opened(client.auth.exchange_code_for_session({"auth_code": code}))
    assert session.user.app_metadata == {"provider": "google", "providers": ["google"]}
    assert jwt.decode(session.access_token, options={"verify_signature": False})["amr"][0]["method"] == "oauth"
    again = {"auth_code": code, "code_verifier": "w" * 64}
    assert refused(lambda: client.auth.exchange_code_for_session(again)) == "flow_state_not_found"  # type: ignore[arg-type]  # likewise
    assert "error_code=bad_oauth_state" in press(browser, page)


def test_a_code_expires(auth: AuthServer, client: Client, browser: httpx.Client) -> None:
    """After five minutes it is no longer exchanged."""
    auth.add_provider("google", EMAIL)
    begun = client.auth.sign_in_with_oauth({"provider": "google", "options": {"redirect_to": APPLICATION}})
    code = parse_qs(urlsplit(press(browser, browser.get(begun.url).text)).query)["code"][0]
    later(301)
    assert refused(lambda: client.auth.exchange_code_for_session({"auth_code": code})) == "flow_state_expired"


@pytest.mark.parametrize("target", ["https://evil.example.com/", "https://console.example.com.evil.com", "//evil", ""])
def test_redirects_stay_where_they_are_allowed(auth: AuthServer, browser: httpx.Client, target: str) -> None:
    """Any other address is replaced by that of the site."""
    auth.add_provider("google", EMAIL)
    page = browser.get("/authorize", params={"provider": "google", "redirect_to": target}).text
    assert press(browser, page).startswith(f"{auth.site_url}#access_token=")
    assert browser.get("/authorize?provider=github").json()["msg"].startswith("Unsupported provider")


def test_a_company_signs_somebody_in(auth: AuthServer, client: Client, browser: httpx.Client) -> None:
    """Its people are never the users who have the same address."""
    provider_id = auth.add_sso("example.com", EMAIL)
    begun = client.auth.sign_in_with_sso({"domain": "example.com", "options": {"redirect_to": APPLICATION}})
    code = parse_qs(urlsplit(press(browser, browser.get(begun.url).text)).query)["code"][0]
    session = opened(client.auth.exchange_code_for_session({"auth_code": code}))
    assert session.user.app_metadata["provider"] == f"sso:{provider_id}"
    assert [user.email for user in auth.users.values()] == [EMAIL, EMAIL]
    assert refused(lambda: client.auth.sign_in_with_sso({"domain": "other.com"})) == "sso_provider_not_found"


def test_an_authenticator_app_raises_the_session(auth: AuthServer, client: Client, make_client: MakeClient) -> None:
    """The sessions on the first level end, and the token from before can no longer be exchanged."""
    secret = auth.enroll_totp(EMAIL)
    other, low = sign_in(make_client()), sign_in(client)
    factor_id = client.auth.mfa.list_factors().totp[0].id
    assert client.auth.mfa.get_authenticator_assurance_level().next_level == "aal2"
    assert refused(lambda: client.auth.update_user({"password": "another one"})) == "insufficient_aal"
    wrong = totp(secret, clock.now() - timedelta(minutes=5))
    verify = client.auth.mfa.challenge_and_verify
    assert refused(lambda: verify({"factor_id": factor_id, "code": wrong})) == "mfa_verification_failed"
    raised = verify({"factor_id": factor_id, "code": totp(secret, clock.now() - timedelta(seconds=30))})
    level = client.auth.mfa.get_authenticator_assurance_level()
    assert (level.current_level, len(level.current_authentication_methods)) == ("aal2", 2)
    assert refused(lambda: make_client().auth.get_user(other.access_token)) == "session_not_found"
    refreshed = opened(client.auth.refresh_session(raised.refresh_token))
    assert jwt.decode(refreshed.access_token, options={"verify_signature": False})["aal"] == "aal2"
    assert refused(lambda: client.auth.refresh_session(low.refresh_token)) == "refresh_token_already_used"


def test_an_authenticator_app_is_set_up(client: Client) -> None:
    """It counts from the first right code on, and a challenge is good for five minutes and one use."""
    sign_in(client)
    enrolled = client.auth.mfa.enroll({"factor_type": "totp", "friendly_name": "phone"})
    assert enrolled.totp is not None
    assert client.auth.mfa.list_factors().totp == []
    asked = client.auth.mfa.challenge({"factor_id": enrolled.id})
    answer = {"factor_id": enrolled.id, "challenge_id": asked.id, "code": totp(enrolled.totp.secret, clock.now())}
    client.auth.mfa.verify(answer)  # type: ignore[arg-type]  # a plain dict is taken
    assert [factor.id for factor in client.auth.mfa.list_factors().totp] == [enrolled.id]
    assert refused(lambda: client.auth.mfa.verify(answer)) == "mfa_ip_address_mismatch"  # type: ignore[arg-type]  # likewise
    client.auth.mfa.unenroll({"factor_id": enrolled.id})
    client.auth.refresh_session()
    level = client.auth.mfa.get_authenticator_assurance_level()
    assert (level.current_level, level.next_level) == ("aal1", "aal1")


def test_codes_are_those_of_the_standard() -> None:
    """The examples of RFC 6238, of which six digits are shown."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    examples = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {at: totp(secret, datetime.fromtimestamp(at, UTC)) for at in examples} == examples


def test_a_forgotten_password_is_replaced(auth: AuthServer, client: Client, make_client: MakeClient) -> None:
    """The link is good once, the new password ends all other sessions, and nobody learns which addresses exist."""
    old = sign_in(make_client())
    for email in (EMAIL, "nobody@example.com"):
        client.auth.reset_password_for_email(email, {"redirect_to": APPLICATION})
    client.auth.reset_password_for_email(EMAIL, {"redirect_to": APPLICATION})
    assert [mail.to for mail in auth.mails] == [EMAIL, EMAIL]
    with httpx.Client(trust_env=False) as browser:
        assert browser.head(auth.mails[1].link).status_code == 405
        target, query, _ = followed(browser, auth.mails[1].link)
        session = opened(client.auth.exchange_code_for_session({"auth_code": query["code"][0]}))
        assert target == APPLICATION
        for mail in auth.mails:
            assert followed(browser, mail.link)[2]["error_code"] == ["otp_expired"]
    assert refused(lambda: client.auth.update_user({"password": PASSWORD})) == "same_password"
    with pytest.raises(AuthWeakPasswordError):
        client.auth.update_user({"password": "short"})
    client.auth.update_user({"password": "analytical engine"})
    assert refused(lambda: make_client().auth.get_user(old.access_token)) == "session_not_found"
    assert client.auth.get_user(session.access_token)
    sign_in(make_client(), "analytical engine")


def test_a_link_without_a_challenge_carries_the_session(auth: AuthServer, browser: httpx.Client) -> None:
    """It expires after an hour, and then the redirect says so."""
    ask = {"url": "/recover", "params": {"redirect_to": APPLICATION}, "headers": {"apikey": API_KEY}}
    assert browser.post(**ask, json={"email": EMAIL}).json() == {}  # type: ignore[arg-type]  # a plain dict is taken
    _, query, fragment = followed(browser, auth.mails[-1].link)
    assert (query, fragment["type"], fragment["expires_in"]) == ({}, ["recovery"], ["3600"])
    assert auth.signing.claims(fragment["access_token"][0])["amr"][0]["method"] == "otp"
    browser.post(**ask, json={"email": EMAIL})  # type: ignore[arg-type]  # likewise
    later(3601)
    target, _, fragment = followed(browser, auth.mails[-1].link)
    assert target == APPLICATION
    assert fragment["error"] == ["access_denied"]
    assert fragment["error_description"] == ["Email link is invalid or has expired"]


def test_an_invitation_makes_a_user(auth: AuthServer, client: Client, browser: httpx.Client) -> None:
    """The link or its token signs them in, then they choose a password."""
    known: list[User] = []
    auth.on_user = known.append
    _, _, fragment = followed(browser, auth.invite("Guest@example.com"))
    assert fragment["type"] == ["invite"]
    token = parse_qs(urlsplit(auth.invite("second@example.com", redirect_to=APPLICATION)).query)["token"][0]
    session = opened(client.auth.verify_otp({"type": "invite", "token_hash": token}))
    assert session.user.email == "second@example.com"
    assert refused(lambda: client.auth.verify_otp({"type": "invite", "token_hash": token})) == "otp_expired"
    client.auth.update_user({"password": PASSWORD})
    client.auth.sign_in_with_password({"email": "second@example.com", "password": PASSWORD})
    assert {user.email: bool(user.confirmed_at) for user in known} == {
        "guest@example.com": True,
        "second@example.com": True,
    }


@pytest.mark.parametrize(("scope", "left"), [("global", []), ("local", ["other"]), ("others", ["own"])])
def test_signing_out_ends_sessions(client: Client, make_client: MakeClient, scope: str, left: list[str]) -> None:
    """All of them, or this one, or all others."""
    sessions = {"own": sign_in(client), "other": sign_in(make_client())}
    client.auth.sign_out({"scope": scope})  # type: ignore[arg-type]  # a plain dict is taken
    for name, session in sessions.items():
        again = make_client().auth
        if name in left:
            assert again.refresh_session(session.refresh_token).session
        else:
            assert refused(lambda: again.refresh_session(session.refresh_token)) == "refresh_token_not_found"  # noqa: B023
            assert refused(lambda: again.get_user(session.access_token)) == "session_not_found"  # noqa: B023


def test_tokens_can_be_checked_with_the_public_keys(auth: AuthServer, client: Client, browser: httpx.Client) -> None:
    """A rotated key stays until it is revoked; neither another secret nor a public key signs a token."""
    session = sign_in(client)
    header, keys = jwt.get_unverified_header(session.access_token), browser.get("/.well-known/jwks.json").json()
    key = jwt.PyJWKSet.from_dict(keys)[header["kid"]]
    claims = jwt.decode(session.access_token, key, ["ES256"], audience="authenticated", issuer=f"{auth.url}/auth/v1")
    assert (claims["email"], claims["role"], claims["phone"]) == (EMAIL, "authenticated", "")
    assert claims["exp"] - claims["iat"] == 3600
    old = auth.signing.kid
    auth.signing.rotate()
    assert client.auth.get_user(session.access_token)
    assert client.auth.get_claims(sign_in(client).access_token)
    auth.signing.revoke(old)
    assert refused(lambda: client.auth.get_user(session.access_token)) == "bad_jwt"
    legacy = jwt.encode(claims, JWT_SECRET, "HS256")
    assert client.auth.get_user(legacy)
    assert refused(lambda: client.auth.get_user(legacy + "x")) == "bad_jwt"
    assert refused(lambda: client.auth.get_user(jwt.encode(claims, "another secret" * 3, "HS256"))) == "bad_jwt"
    later(3601)
    assert refused(lambda: client.auth.get_user(legacy)) == "bad_jwt"


def test_a_legacy_project_has_no_public_key(auth: AuthServer, client: Client, browser: httpx.Client) -> None:
    """Its tokens are signed with the secret, which is never shown."""
    auth.signing = Signing.hs256(JWT_SECRET)
    assert browser.get("/.well-known/jwks.json").json() == {"keys": []}
    token = sign_in(client).access_token
    assert jwt.decode(token, JWT_SECRET, ["HS256"], audience="authenticated")["email"] == EMAIL
    assert client.auth.get_claims(token)


def test_banned_and_deleted_users_are_out(auth: AuthServer, client: Client) -> None:
    """A ban ends by itself."""
    session = sign_in(client)
    auth.ban(EMAIL, clock.now() + timedelta(hours=1))
    assert refused(lambda: sign_in(client)) == "user_banned"
    assert refused(lambda: client.auth.refresh_session(session.refresh_token)) == "user_banned"
    assert refused(lambda: client.auth.get_user(session.access_token)) == "user_banned"
    auth.ban(EMAIL, None)
    assert client.auth.get_user(session.access_token)
    auth.revoke_all(EMAIL)
    assert refused(lambda: client.auth.get_user(session.access_token)) == "session_not_found"
    auth.delete_user(EMAIL)
    assert refused(lambda: client.auth.get_user(session.access_token)) == "user_not_found"
    assert refused(lambda: sign_in(client)) == "invalid_credentials"


def test_trouble_and_missing_keys(auth: AuthServer, make_client: MakeClient, browser: httpx.Client) -> None:
    """Each has the answer that a hosted project gives."""
    assert browser.get("/user").json() == {"message": "Invalid API key"}
    assert browser.get("/user", headers={"apikey": API_KEY}).json()["error_code"] == "no_authorization"
    assert browser.get("/health").json()["name"] == "GoTrue"
    auth.trouble = "paused"
    assert browser.get("/user").status_code == 540
    auth.trouble = "bad gateway"
    with pytest.raises(AuthRetryableError):
        sign_in(make_client())
    auth.trouble = None
    with pytest.raises(AuthApiError, match="Invalid API key"):
        sign_in(make_client("sb_publishable_other"))
    assert auth.calls["user"] == 3


def test_the_gateway_passes_headers_on(auth: AuthServer) -> None:
    """Both keys stand for an anonymous user, tokens and other headers reach PostgREST, and Auth is at its place."""

    def echo(request: Request) -> Response:
        return JSONResponse({"path": request.url.path, **request.headers})

    with serving(Starlette(routes=[Route("/{path:path}", echo)])) as postgrest:
        gateway = Gateway(postgrest, auth=auth)
        with serving(gateway.app) as url, httpx.Client(base_url=url, trust_env=False) as http:
            headers = {"apikey": LEGACY_KEY, "x-console-token": "secret"}
            keyed = http.get("/rest/v1/rpc/f", headers=headers | {"authorization": f"Bearer {LEGACY_KEY}"}).json()
            signed = http.get("/rest/v1/rpc/f", headers=headers | {"authorization": "Bearer token"}).json()
            assert http.get("/rest/v1/rpc/f").status_code == 401
            assert http.get("/auth/v1/.well-known/jwks.json").json()["keys"]
            assert http.get("/auth/v1/user").status_code == 401
    assert (keyed["path"], keyed["x-console-token"]) == ("/rpc/f", "secret")
    assert "authorization" not in keyed
    assert signed["authorization"] == "Bearer token"
