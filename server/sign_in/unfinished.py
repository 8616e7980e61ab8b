"""A sign-in that has begun: what the next step needs, sealed in a cookie of the browser that began it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from pydantic import TypeAdapter, ValidationError
from starlette.requests import HTTPConnection

from server.site import UNFINISHED_COOKIE
from store.hosted.auth import Tokens
from store.hosted.seal import Seal

_PURPOSE = "unfinished sign-in"

Method = Literal["password", "provider", "invitation", "reset"]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """How far a sign-in has come.

    Attributes:
        next: where the person goes afterwards.
        verifier: of a sign-in at a provider; None for others.
        tokens: what Auth gave so far; None if it has given nothing yet.
        method: how it began.
    """

    next: str
    method: Method
    verifier: str | None = field(default=None, repr=False)
    tokens: Tokens | None = field(default=None, repr=False)

    def sealed(self, seal: Seal) -> str:
        """The value of its cookie."""
        return seal.close(json.dumps(asdict(self)), _PURPOSE)


_ADAPTER = TypeAdapter(Unfinished)


def unfinished(connection: HTTPConnection, seal: Seal) -> Unfinished | None:
    """The sign-in that this browser has begun; None if there is none, or if its cookie is not ours."""
    text = seal.open(connection.cookies.get(UNFINISHED_COOKIE, ""), _PURPOSE)
    if text is None:
        return None
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError:
        return None
