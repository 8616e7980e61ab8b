"""A sign-in between two steps: what the next one needs is kept in the project, sealed, and can be taken once."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Literal

from pydantic import TypeAdapter, ValidationError
from starlette.requests import HTTPConnection
from starlette.responses import Response

from server.site import UNFINISHED_COOKIE, UNFINISHED_S, Site
from store import understood
from store.hashed import sha256_of
from store.hosted.auth import Tokens

Method = Literal["password", "provider", "invitation", "reset"]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """How far a sign-in has come.

    Attributes:
        next: where the person goes afterwards.
        verifier: of a sign-in at a provider; None for others.
        tokens: what Auth gave so far; None if it has given nothing yet.
        method: how it began.
        account: the e-mail address that was typed; empty if none was.
    """

    next: str
    method: Method
    verifier: str | None = field(default=None, repr=False)
    tokens: Tokens | None = field(default=None, repr=False)
    account: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Taken:
    sealed: str | None


_ADAPTER = TypeAdapter(Unfinished)


def keep(site: Site, connection: HTTPConnection, response: Response, begun: Unfinished) -> None:
    """Let the browser go on with this sign-in, for ten minutes."""
    secret = secrets.token_urlsafe(32)
    sha256 = sha256_of(secret)
    sealed = site.store().seal().close(json.dumps(asdict(begun)), f"unfinished {sha256}")
    site.store().machine().call("keep_unfinished", p_secret=sha256, p_sealed=sealed, p_lifetime_s=UNFINISHED_S)
    site.set_unfinished(connection, response, secret)


def take(site: Site, connection: HTTPConnection) -> Unfinished | None:
    """The sign-in that this browser has begun, which no other step gets again; None if there is none."""
    secret = connection.cookies.get(UNFINISHED_COOKIE)
    if not secret:
        return None
    sha256 = sha256_of(secret)
    sealed = understood(_Taken, site.store().machine().call("take_unfinished", p_secret=sha256)).sealed
    text = site.store().seal().open(sealed, f"unfinished {sha256}") if sealed else None
    try:
        return None if text is None else _ADAPTER.validate_json(text)
    except ValidationError:
        return None  # kept by another version
