"""Links in mails: asking for one to choose a new password, and following one."""

from __future__ import annotations

import secrets

from starlette.responses import JSONResponse, Response

from store import clock
from tests.supabase_auth.flows import new_flow
from tests.supabase_auth.project import Project, has_passed
from tests.supabase_auth.records import OTP
from tests.supabase_auth.users import User
from tests.supabase_auth.wire import Call, Refusal, redirect, redirect_with_tokens

_KINDS = {"recovery": "recovery", "magiclink": "recovery", "invite": "invite", "signup": "invite", "email": None}
_PKCE = "pkce_"


def recover(project: Project, call: Call) -> Response:
    """Mail a link to choose a new password; the answer is the same if nobody has this address."""
    email = call.text("email")
    if not email:
        raise Refusal(400, "validation_failed", "Password recovery requires an email")
    name, _, domain = email.partition("@")
    if not name or not domain:
        raise Refusal(400, "validation_failed", "Unable to validate email address: invalid format")
    challenge = call.text("code_challenge"), call.text("code_challenge_method")
    target = project.redirect_target(call)
    state = new_flow(project, "recovery", "recovery", target, challenge)
    user = project.user_with(email)
    if user is None or not challenge[0]:
        del project.flows[state]
    if user is not None:
        if challenge[0]:
            project.flows[state].user_id = user.id
        user.recovery_sent_at = clock.now()
        project.send_link(call.url, user, "recovery", target, pkce=bool(challenge[0]))
    return JSONResponse({})


def follow(project: Project, call: Call) -> Response:
    """Redeem a link that somebody pressed, and go on to the application."""
    token, kind = call.query.get("token", ""), call.query.get("type", "")
    if not kind or not token:
        raise Refusal(400, "validation_failed", "Verify requires a verification type, and a token or a token hash")
    target, with_code = project.redirect_target(call), token.startswith(_PKCE)
    try:
        user = _redeemed(project, token, kind)
        if with_code:
            return redirect(target, 303, query={"code": _code(project, user, kind)})
    except Refusal as refusal:
        values = refusal.in_redirect()
        return redirect(target, 303, query=values if with_code else None, fragment=values)
    return redirect_with_tokens(target, 303, project.open_session(call, user, OTP), {"type": kind})


def verify(project: Project, call: Call) -> Response:
    """Redeem the token of a link that the application took apart."""
    kind, token = call.text("type"), call.text("token_hash")
    if not kind:
        raise Refusal(400, "validation_failed", "Verify requires a verification type")
    if not token or call.text("token"):
        raise Refusal(400, "validation_failed", "Verify requires either a token or a token hash")
    if call.text("email") or call.text("phone") or call.text("redirect_to"):
        raise Refusal(400, "validation_failed", "Only the token_hash and type should be provided")
    return JSONResponse(project.open_session(call, _redeemed(project, token, kind), OTP))


def _redeemed(project: Project, token: str, kind: str) -> User:
    """The user that a link was sent to; the link is used up, and the address is confirmed."""
    if kind not in _KINDS:
        raise Refusal(400, "validation_failed", "Invalid email verification type")
    link = project.links.get(token)
    if link is None or _KINDS[kind] not in (link.kind, None) or has_passed(link.created_at, project.link_lifetime_s):
        raise Refusal(403, "otp_expired", "Email link is invalid or has expired")
    user = project.users[link.user_id]
    if user.is_banned:
        raise Refusal(403, "user_banned", "User is banned")
    project.drop_links(user)
    if link.kind == "invite" and user.password is None:
        user.password = secrets.token_hex(32)  # the application asks for another
    if user.confirmed_at is None:
        user.confirm()
        project.changed(user)
    return user


def _code(project: Project, user: User, kind: str) -> str:
    """The code of the latest flow that this user began in this way."""
    codes = [flow.code for flow in project.flows.values() if flow.user_id == user.id and flow.method == kind]
    if not codes:
        raise Refusal(400, "flow_state_not_found", "No associated flow state found.")
    return codes[-1]
