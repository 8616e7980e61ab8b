"""The second factor: setting up an authenticator app, and proving that one has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID, uuid4

from starlette.responses import JSONResponse, Response

from store import clock
from tests.supabase_auth.one_time_code import is_right, new_secret
from tests.supabase_auth.project import Project, has_passed
from tests.supabase_auth.records import TOTP, Challenge, Session
from tests.supabase_auth.users import Factor, User
from tests.supabase_auth.wire import Call, Refusal

_CHALLENGE_LIFETIME_S = 300
_MOST_FACTORS = 10
_NO_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>'
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def enroll(project: Project, call: Call) -> Response:
    """Begin to set up an authenticator app."""
    user, session = project.caller(call)
    if call.text("factor_type") != "totp":
        raise Refusal(400, "validation_failed", "factor_type needs to be totp, phone, or webauthn")
    name, issuer = call.text("friendly_name"), call.text("issuer") or urlsplit(project.site_url).netloc
    _check_room(user, session, name)
    factor = new_factor(user, name)
    project.changed(user)
    label = quote(f"{issuer}:{user.email}")
    uri = f"otpauth://totp/{label}?" + urlencode({"secret": factor.secret, "issuer": issuer})
    shown = {"qr_code": _NO_PICTURE, "secret": factor.secret, "uri": uri}
    return JSONResponse({"id": factor.id, "type": "totp", "friendly_name": name, "totp": shown})


def new_factor(user: User, name: str, *, verified: bool = False) -> Factor:
    """Add a factor with a new secret to a user."""
    factor = Factor(str(uuid4()), new_secret(), name, clock.now(), verified)
    user.factors.append(factor)
    return factor


def challenge(project: Project, call: Call) -> Response:
    """Ask for the code of a factor."""
    _, _, factor = _caller_and_factor(project, call)
    challenge_id = str(uuid4())
    project.challenges[challenge_id] = Challenge(factor.id, call.address, clock.now())
    expires_at = clock.now() + timedelta(seconds=_CHALLENGE_LIFETIME_S)
    return JSONResponse({"id": challenge_id, "type": "totp", "expires_at": int(expires_at.timestamp())})


def verify_factor(project: Project, call: Call) -> Response:
    """Raise the session to the second level, which ends the user's sessions on the first."""
    user, session, factor = _caller_and_factor(project, call)
    code = call.text("code")
    if not code:
        raise Refusal(400, "validation_failed", "Code needs to be non-empty")
    asked = _challenge(project, call, factor)
    if not is_right(factor.secret, code, clock.now()):
        raise Refusal(422, "mfa_verification_failed", "Invalid TOTP code entered")
    asked.verified_at = clock.now()
    _raise_level(project, session, factor)
    factor.verified = True
    user.factors = [known for known in user.factors if known.verified]
    project.end_sessions(lambda other: other.user_id == user.id and other.level == "aal1")
    project.changed(user)
    return JSONResponse(project.granted(call, session))


def remove(project: Project, call: Call) -> Response:
    """Remove a factor, which takes the sessions that it raised back to the first level."""
    user, session, factor = _caller_and_factor(project, call)
    if factor.verified and session.level != "aal2":
        raise Refusal(422, "insufficient_aal", "AAL2 required to unenroll verified factor")
    user.factors.remove(factor)
    for raised in project.sessions.values():
        if raised.factor_id == factor.id:
            raised.methods.pop(TOTP, None)
            raised.factor_id = None
    project.changed(user)
    return JSONResponse({"id": factor.id})


def _check_room(user: User, session: Session, name: str) -> None:
    if any(factor.name == name for factor in user.factors):
        message = f'A factor with the friendly name "{name}" for this user already exists'
        raise Refusal(422, "mfa_factor_name_conflict", message)
    if len(user.factors) >= _MOST_FACTORS:
        message = "Maximum number of verified factors reached, unenroll to continue"
        raise Refusal(422, "too_many_enrolled_mfa_factors", message)
    if user.has_verified_factor and session.level != "aal2":
        raise Refusal(403, "insufficient_aal", "AAL2 required to enroll a new factor")


def _caller_and_factor(project: Project, call: Call) -> tuple[User, Session, Factor]:
    user, session = project.caller(call)
    try:
        factor_id = str(UUID(call.path["factor_id"]))
    except ValueError:
        raise Refusal(404, "validation_failed", "factor_id must be an UUID") from None
    factor = next((known for known in user.factors if known.id == factor_id), None)
    if factor is None:
        raise Refusal(404, "mfa_factor_not_found", "Factor not found")
    return user, session, factor


def _challenge(project: Project, call: Call, factor: Factor) -> Challenge:
    challenge_id = call.text("challenge_id")
    asked = project.challenges.get(challenge_id)
    if asked is None or asked.factor_id != factor.id:
        raise Refusal(422, "mfa_factor_not_found", "MFA factor with the provided challenge ID not found")
    if asked.verified_at or asked.address != call.address:
        raise Refusal(422, "mfa_ip_address_mismatch", "Challenge and verify IP addresses mismatch.")
    if has_passed(asked.created_at, _CHALLENGE_LIFETIME_S):
        del project.challenges[challenge_id]
        message = (
            f"MFA challenge {challenge_id} has expired, verify against another challenge or create a new challenge."
        )
        raise Refusal(422, "mfa_challenge_expired", message)
    return asked


def _raise_level(project: Project, session: Session, factor: Factor) -> None:
    session.methods[TOTP] = clock.now()
    session.factor_id = factor.id
    # A token of the first level must never be exchanged for one of the second, not even within the reuse interval.
    project.refresh_tokens[session.refresh_token].used_at = _LONG_AGO
    project.next_refresh_token(session)
    project.refresh_tokens[session.refresh_token].parent = None
