"""Who calls the API: the bearer of a token, a browser that is signed in, or the person at this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from server.api.errors import Refused
from server.site import Site, session_cookie
from store import Database, NotSignedIn, understood
from store.api_tokens import PREFIX
from store.caller import Permission
from store.hashed import sha256_of

_NO_TOKEN = "Send an API token, or the token of a signed-in user: Authorization: Bearer ..."  # noqa: S105
_TOO_MANY = "This caller has made too many requests in this minute."


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """A caller who may make this request.

    Attributes:
        database: as the caller sees it.
        actor_id: who generates and records.
    """

    database: Database
    actor_id: str


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
"""Tells the OpenAPI document how to sign in; the header itself is read here."""


@dataclass(frozen=True, slots=True)
class _Admission:
    user_id: str | None
    actor_id: str
    wait_s: int


def admitted(site: Site, permission: Permission) -> Callable[..., ApiCaller]:
    """A dependency that admits callers with this permission; the database decides, and counts their requests."""

    def admit(request: Request, _described: Bearer) -> ApiCaller:
        database = _database(site, request)
        admission = understood(_Admission, database.call("admit_request", p_permission=permission))
        if admission.wait_s:
            raise Refused(429, "too_many_requests", _TOO_MANY, admission.wait_s)
        return ApiCaller(database, admission.actor_id)

    return admit


def _database(site: Site, request: Request) -> Database:
    """The database as the caller sees it.

    Raises:
        NotSignedIn: there is no token, and nobody is signed in.
    """
    store = site.application().store
    authorization = request.headers.get("authorization")
    if authorization is not None:
        kind, _, token = authorization.partition(" ")
        token = token.strip()
        if kind.lower() != "bearer" or not token or not token.isascii():
            raise NotSignedIn(_NO_TOKEN)
        if token.startswith(PREFIX):
            return store.for_api_token(sha256_of(token))
        if not site.signs_in:
            raise NotSignedIn("This console has no sign-in; send an API token.")
        return site.store().bearer(token)
    if not site.signs_in:
        return store.person()
    visitor = site.visitor(session_cookie(request.scope))
    if visitor is None:
        raise NotSignedIn(_NO_TOKEN)
    return site.store().signed_in(visitor)
