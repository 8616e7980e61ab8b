"""What signed-in users do with their own account: read it, change it, leave."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from tests.supabase_auth.project import Project
from tests.supabase_auth.records import Session
from tests.supabase_auth.users import User
from tests.supabase_auth.wire import Call, Refusal

_SHORTEST, _LONGEST = 6, 72


def read_user(project: Project, call: Call) -> Response:
    """The caller, with their factors."""
    user, _ = project.caller(call)
    return JSONResponse(user.as_json())


def change_user(project: Project, call: Call) -> Response:
    """Change the caller's password or their own metadata."""
    user, session = project.caller(call)
    password, data = call.text("password"), call.fields.get("data")
    if call.fields.get("password") is not None:
        _check_strength(password)
    if call.fields.get("app_metadata") is not None:
        raise Refusal(403, "not_admin", "Updating app_metadata requires admin privileges")
    if call.text("email") not in ("", user.email):
        raise Refusal(501, "unexpected_failure", "The stand-in changes no e-mail address")
    if password:
        _check_new_password(user, session, password)
        project.set_password(user, password, session)
    if isinstance(data, dict):
        merged = user.metadata | data
        user.metadata = {name: value for name, value in merged.items() if value is not None}
        project.changed(user)
    return JSONResponse(user.as_json())


def sign_out(project: Project, call: Call) -> Response:
    """End all of the caller's sessions, or this one, or all others."""
    scope = call.query.get("scope") or "global"
    user, session = project.caller(call)
    if scope == "global":
        project.end_sessions(lambda other: other.user_id == user.id)
    elif scope == "local":
        project.end_sessions(lambda other: other is session)
    elif scope == "others":
        project.end_sessions(lambda other: other.user_id == user.id and other is not session)
    else:
        raise Refusal(400, "validation_failed", f'Unsupported logout scope "{scope}"')
    return Response(status_code=204)


def _check_strength(password: str) -> None:
    if len(password.encode()) > _LONGEST:
        raise Refusal(400, "validation_failed", f"Password cannot be longer than {_LONGEST} characters")
    if len(password.encode()) < _SHORTEST:
        message = f"Password should be at least {_SHORTEST} characters."
        raise Refusal(422, "weak_password", message, weak_password={"reasons": ["length"]})


def _check_new_password(user: User, session: Session, password: str) -> None:
    if user.has_verified_factor and session.level != "aal2":
        message = "AAL2 session is required to update email or password when MFA is enabled."
        raise Refusal(401, "insufficient_aal", message)
    if user.is_sso:
        message = "Updating email, phone, password of a SSO account only possible via SSO"
        raise Refusal(422, "user_sso_managed", message)
    if password == user.password:
        raise Refusal(422, "same_password", "New password should be different from the old password.")
