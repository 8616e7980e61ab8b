"""Sign-ins elsewhere: the way to a provider's page and back to the application."""

from __future__ import annotations

import html
import re
import secrets
from uuid import UUID, uuid4

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from store import clock
from tests.supabase_auth.project import Project, has_passed
from tests.supabase_auth.records import OAUTH, SSO, Flow, SsoProvider
from tests.supabase_auth.users import Identity, User
from tests.supabase_auth.wire import Call, Refusal, redirect, redirect_with_tokens

_CHALLENGE = re.compile(r"[a-zA-Z0-9._~-]{43,128}")
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in with {provider}</title></head>
<body>
<h1>Sign in with {provider}</h1>
<form action="{url}/auth/v1/callback">
<input type="hidden" name="state" value="{state}">
<button name="code" value="{code}">Continue as {email}</button>
</form>
<a href="{url}/auth/v1/callback?state={state}&amp;error=access_denied&amp;error_description={no}">Cancel</a>
</body>
</html>
"""
_NO = "The+user+has+denied+access"


def new_flow(project: Project, method: str, provider: str, target: str, challenge: tuple[str, str]) -> str:
    """Begin a sign-in and return its state; the challenge comes with its method, and both may be empty.

    Raises:
        Refusal: the challenge is not one.
    """
    text, challenge_method = challenge
    if bool(text) != bool(challenge_method):
        raise Refusal(400, "validation_failed", "PKCE flow requires code_challenge_method and code_challenge")
    if text and not _CHALLENGE.fullmatch(text):
        raise Refusal(400, "validation_failed", "code challenge has to be between 43 and 128 characters")
    if challenge_method.lower() not in ("", "s256", "plain"):
        raise Refusal(400, "validation_failed", "Invalid code_challenge_method")
    state, code = str(uuid4()), str(uuid4())
    project.flows[state] = Flow(method, provider, text, challenge_method.lower(), target, clock.now(), code)
    return state


def authorize(project: Project, call: Call) -> Response:
    """Show the page of an OAuth provider."""
    provider = call.query.get("provider", "").lower()
    if provider not in project.providers:
        message = f"Unsupported provider: Provider {provider} could not be found"
        raise Refusal(400, "validation_failed", message)
    challenge = call.query.get("code_challenge", ""), call.query.get("code_challenge_method", "")
    state = new_flow(project, OAUTH, provider, project.redirect_target(call), challenge)
    return _page(project, call, state)


def sso(project: Project, call: Call) -> Response:
    """Answer with the address of the page of a company's identity provider."""
    provider = _sso_provider(project, call)
    challenge = call.text("code_challenge"), call.text("code_challenge_method")
    target = project.redirect_target(call, call.text("redirect_to"))
    state = new_flow(project, SSO, f"sso:{provider.id}", target, challenge)
    url = f"{call.url}/auth/v1/identity-provider?state={state}"
    return JSONResponse({"url": url}) if call.fields.get("skip_http_redirect") else RedirectResponse(url, 303)


def identity_provider(project: Project, call: Call) -> Response:
    """Show the page of a company's identity provider."""
    state = call.query.get("state", "")
    if state not in project.flows:
        raise Refusal(404, "saml_relay_state_not_found", "SAML RelayState does not exist, try logging in again?")
    return _page(project, call, state)


def callback(project: Project, call: Call) -> Response:
    """Go back to the application, with a code if there is a challenge, else with the session itself."""
    try:
        flow = _flow(project, call)
    except Refusal as refusal:
        return redirect(project.site_url, 303, query=refusal.in_redirect())
    try:
        user = _came_back(project, call, flow)
    except Refusal as refusal:
        values = {name: value for name, value in refusal.in_redirect().items() if value}
        return redirect(flow.redirect_to, 302, query=values, fragment=values)
    if flow.challenge:
        flow.user_id = user.id
        return redirect(flow.redirect_to, 302, query={"code": flow.code})
    del project.flows[call.query["state"]]
    session = project.open_session(call, user, flow.method)
    return redirect_with_tokens(flow.redirect_to, 302, session, {"provider_token": secrets.token_hex(16)})


def _page(project: Project, call: Call, state: str) -> Response:
    provider = project.flows[state].provider
    values = {"url": call.url, "provider": provider, "state": state, "email": _person(project, provider)}
    safe = {name: html.escape(value) for name, value in values.items()}
    return HTMLResponse(_PAGE.format(code=secrets.token_hex(16), no=_NO, **safe))


def _person(project: Project, provider: str) -> str:
    """The address of the person who is signed in at this provider."""
    if provider.startswith("sso:"):
        return project.sso_providers[provider.removeprefix("sso:")].email
    return project.providers[provider]


def _sso_provider(project: Project, call: Call) -> SsoProvider:
    provider_id, domain = call.text("provider_id"), call.text("domain").lower()
    if bool(provider_id) == bool(domain):
        raise Refusal(400, "validation_failed", "A provider_id or domain needs to be provided")
    if provider_id:
        found = project.sso_providers.get(_uuid(provider_id))
        missing = "No such SSO provider"
    else:
        found = next((known for known in project.sso_providers.values() if known.domain == domain), None)
        missing = "No SSO provider assigned for this domain"
    if found is None:
        raise Refusal(404, "sso_provider_not_found", missing)
    return found


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Refusal(400, "bad_json", "Could not parse request body as JSON") from None


def _flow(project: Project, call: Call) -> Flow:
    state = call.query.get("state", "")
    if not state:
        raise Refusal(400, "bad_oauth_callback", "OAuth state parameter missing")
    flow = project.flows.get(state)
    if flow is None or flow.method not in (OAUTH, SSO):
        raise Refusal(400, "bad_oauth_state", "OAuth state not found or expired")
    if has_passed(flow.created_at, project.flow_lifetime_s):
        raise Refusal(400, "bad_oauth_state", "OAuth state has expired")
    if flow.user_id:
        raise Refusal(400, "flow_state_already_used", "State has already been used")
    return flow


def _came_back(project: Project, call: Call, flow: Flow) -> User:
    """Who comes back from the provider, with an account if they had none."""
    if error := call.query.get("error"):
        raise Refusal(403 if error == "access_denied" else 500, "", call.query.get("error_description", ""))
    if not call.query.get("code"):
        raise Refusal(400, "bad_oauth_callback", "OAuth callback with missing authorization code missing")
    user = _account(project, flow.provider, _person(project, flow.provider))
    if user.is_banned:
        raise Refusal(403, "user_banned", "User is banned")
    return user


def _account(project: Project, provider: str, email: str) -> User:
    user = _known(project, provider, email)
    if user is None and not project.signups:
        raise Refusal(422, "signup_disabled", "Signups not allowed for this instance")
    user = user or project.new_user(email, provider)
    if all(identity.provider != provider for identity in user.identities):
        user.identities.append(Identity(str(uuid4()), provider, user.email, clock.now()))
    if user.confirmed_at is None:
        # Somebody else may have chosen the password of an address that nobody has confirmed.
        user.password = None
        user.identities = [identity for identity in user.identities if identity.provider == provider]
        user.confirm()
    project.changed(user)
    return user


def _known(project: Project, provider: str, email: str) -> User | None:
    """The user behind a provider's person; a company's people are never those who have the same address elsewhere."""
    for user in project.users.values():
        if any(known.provider == provider and known.email == email.lower() for known in user.identities):
            return user
    return None if provider.startswith("sso:") else project.user_with(email)
