"""POST /token: a session for a password, for a refresh token, or for the code of a redirect."""

from __future__ import annotations

import base64
import hashlib
import hmac

from starlette.responses import JSONResponse, Response

from store import clock
from tests.supabase_auth.project import Project, has_passed
from tests.supabase_auth.records import PASSWORD, Flow, RefreshToken, Session
from tests.supabase_auth.users import Json
from tests.supabase_auth.wire import Call, Refusal

_MINUTE_S = 60


def token(project: Project, call: Call) -> Response:
    """Give out a session, as the grant type says."""
    grants = {"password": _password, "refresh_token": _refresh, "pkce": _exchange}
    grant = grants.get(call.query.get("grant_type", ""))
    if grant is None:
        raise Refusal(400, "invalid_credentials", "unsupported_grant_type")
    return JSONResponse(grant(project, call))


def _password(project: Project, call: Call) -> Json:
    _check_rate(project, call)
    if not call.text("email"):
        raise Refusal(400, "validation_failed", "missing email or phone")
    user, password = project.user_with(call.text("email")), call.text("password")
    if user is None or user.password is None:
        raise _failed(project, call)
    if user.is_banned:
        raise Refusal(400, "user_banned", "User is banned")
    if not hmac.compare_digest(user.password.encode(), password.encode()):
        raise _failed(project, call)
    if user.confirmed_at is None:
        raise Refusal(400, "email_not_confirmed", "Email not confirmed")
    return project.open_session(call, user, PASSWORD)


def _check_rate(project: Project, call: Call) -> None:
    project.failures = [(address, at) for address, at in project.failures if not has_passed(at, _MINUTE_S)]
    failures = sum(address == call.address for address, _ in project.failures)
    if project.failures_per_minute is not None and failures >= project.failures_per_minute:
        raise Refusal(429, "over_request_rate_limit", "Request rate limit reached")


def _failed(project: Project, call: Call) -> Refusal:
    project.failures.append((call.address, clock.now()))
    return Refusal(400, "invalid_credentials", "Invalid login credentials")


def _refresh(project: Project, call: Call) -> Json:
    used = project.refresh_tokens.get(call.text("refresh_token"))
    if used is None:
        raise Refusal(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    session = project.sessions[used.session_id]
    if project.users[session.user_id].is_banned:
        raise Refusal(400, "user_banned", "Invalid Refresh Token: User Banned")
    if used.used_at is None:
        used.used_at = clock.now()
        project.next_refresh_token(session)
    elif not _may_return(project, call, session, used):
        project.end_sessions(lambda other: other is session)
        raise Refusal(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    return project.granted(call, session)


def _may_return(project: Project, call: Call, session: Session, used: RefreshToken) -> bool:
    """Whether a token that was used before gets the current one instead of ending the session."""
    is_parent = project.refresh_tokens[session.refresh_token].parent == call.text("refresh_token")
    if project.parent_may_return and is_parent:
        return True
    return used.used_at is not None and not has_passed(used.used_at, project.reuse_interval_s)


def _exchange(project: Project, call: Call) -> Json:
    code, verifier = call.text("auth_code"), call.text("code_verifier")
    if not code or not verifier:
        message = "invalid request: both auth code and code verifier should be non-empty"
        raise Refusal(400, "validation_failed", message)
    state, flow = next(((key, flow) for key, flow in project.flows.items() if flow.code == code), ("", None))
    if flow is None or flow.user_id not in project.users:
        raise Refusal(404, "flow_state_not_found", "invalid flow state, no valid flow state found")
    if has_passed(flow.created_at, project.flow_lifetime_s):
        raise Refusal(422, "flow_state_expired", "invalid flow state, flow state has expired")
    if not _is_answer(flow, verifier):
        message = "code challenge does not match previously saved code verifier"
        raise Refusal(400, "bad_code_verifier", message)
    del project.flows[state]
    sso_provider = flow.provider.removeprefix("sso:") if flow.provider.startswith("sso:") else None
    return project.open_session(call, project.users[flow.user_id], flow.method, sso_provider)


def _is_answer(flow: Flow, verifier: str) -> bool:
    """Whether the challenge was made from this verifier."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    expected = digest if flow.challenge_method == "s256" else verifier.encode()
    return bool(flow.challenge) and hmac.compare_digest(flow.challenge.encode(), expected)
