"""Requests, answers, errors and redirects in the form that Supabase Auth gives them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.supabase_auth.users import Json

VERSION_HEADER = "X-Supabase-Api-Version"
_NEW_ERRORS_SINCE = "2024-01-01"
_BEARER = re.compile(r"[Bb]earer (\S+)")
_OAUTH_ERRORS = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied", 500: "server_error"}
_ALWAYS_DENIED = ("signup_disabled", "user_banned")


class Refusal(Exception):
    """An error that the endpoint answers with."""

    def __init__(self, status: int, code: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.more = more

    def answer(self, call: Call) -> Response:
        """The body in the form that the caller's version of the API has."""
        headers = {"x-sb-error-code": self.code}
        if call.headers.get(VERSION_HEADER, "") < _NEW_ERRORS_SINCE:
            body = {"code": self.status, "error_code": self.code, "msg": self.message}
        else:
            body = {"code": self.code, "message": self.message}
            headers[VERSION_HEADER] = _NEW_ERRORS_SINCE
        return JSONResponse(body | self.more, self.status, headers)

    def in_redirect(self) -> dict[str, str]:
        """The parameters that a redirect carries."""
        name = _OAUTH_ERRORS.get(self.status, "server_error")
        named = "access_denied" if self.code in _ALWAYS_DENIED else name
        return {"error": named, "error_code": self.code, "error_description": self.message}


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been read to its end; `url` is the project's own."""

    url: str
    query: Mapping[str, str]
    path: Mapping[str, str]
    headers: Headers
    address: str
    body: bytes

    @property
    def fields(self) -> Json:
        """The fields of the body.

        Raises:
            Refusal: it is not a JSON object.
        """
        try:
            fields = json.loads(self.body)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            raise Refusal(400, "bad_json", "Could not parse request body as JSON")
        return fields

    def text(self, name: str) -> str:
        """A field of the body; empty if it is not there.

        Raises:
            Refusal: it is not a string.
        """
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise Refusal(400, "bad_json", "Could not parse request body as JSON")
        return value or ""

    @property
    def bearer(self) -> str:
        """The token from the authorization header.

        Raises:
            Refusal: there is none.
        """
        found = _BEARER.fullmatch(self.headers.get("authorization", ""))
        if found is None:
            raise Refusal(401, "no_authorization", "This endpoint requires a valid Bearer token")
        return found[1]


def redirect(
    url: str, status: int, *, query: Mapping[str, str] | None = None, fragment: Mapping[str, str] | None = None
) -> Response:
    """A redirect to this address with more parameters in its query, and these in its fragment."""
    parts = urlsplit(url)
    if query:
        parts = parts._replace(query=urlencode({**dict(parse_qsl(parts.query, keep_blank_values=True)), **query}))
    if fragment:
        parts = parts._replace(fragment=urlencode({**fragment, "sb": ""}))
    return RedirectResponse(urlunsplit(parts), status)


def redirect_with_tokens(url: str, status: int, session: Json, more: Mapping[str, str]) -> Response:
    """A redirect that carries a session in its fragment."""
    names = ("access_token", "token_type", "expires_in", "expires_at", "refresh_token")
    return redirect(url, status, fragment={name: str(session[name]) for name in names} | dict(more))
