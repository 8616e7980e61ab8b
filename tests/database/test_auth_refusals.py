"""Each refusal of Supabase Auth has its own message, which names the actual cause."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from store import NotSignedIn, StoreError, Unavailable
from tests.database.conftest import MakeSupabaseStore
from tests.database.gateway import serving
from tests.database.sides import ENGINEER

HTML = "<html>Project paused</html>"
CASES: list[tuple[str, int, str | None, type[StoreError], str]] = [
    ("wrong password", 400, "invalid_credentials", NotSignedIn, "rejected the e-mail address or the password of"),
    ("not confirmed", 400, "email_not_confirmed", NotSignedIn, "is not confirmed yet"),
    ("captcha", 400, "captcha_failed", NotSignedIn, "CAPTCHA"),
    ("switched off", 422, "email_provider_disabled", NotSignedIn, "disabled sign-in by e-mail"),
    ("banned", 403, "user_banned", NotSignedIn, "is banned"),
    ("another refusal", 422, "signup_disabled", NotSignedIn, r"refused to sign in .* \(signup_disabled\)"),
    ("too many", 429, "over_request_rate_limit", Unavailable, "no more sign-ins for the moment"),
    ("too many, as a page", 429, None, Unavailable, "no more sign-ins for the moment"),
    ("restricted", 402, None, Unavailable, "restricted"),
    ("paused", 540, None, Unavailable, "is paused"),
    ("an error", 500, "unexpected_failure", Unavailable, r"HTTP 500"),
    ("a gateway's page", 502, None, Unavailable, "does not answer"),
]


@pytest.fixture(name="auth", scope="module")
def auth_fixture() -> Iterator[str]:
    """A URL where Auth, below `/<number>`, answers as the case says."""

    def respond(request: Request) -> Response:
        _, status, code, _, _ = CASES[request.path_params["number"]]
        if code is None:
            return Response(HTML, status, media_type="text/html")
        body = {"code": status, "error_code": code, "msg": f"No: {ENGINEER.login.password}"}
        return JSONResponse(body, status)

    with serving(Starlette(routes=[Route("/{number:int}/{path:path}", respond, methods=["POST"])])) as url:
        yield url


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_a_refusal_is_told_as_what_it_is(auth: str, make_supabase_store: MakeSupabaseStore, number: int) -> None:
    """It is never in Auth's own words, which may quote what was sent."""
    _, _, _, kind, sentence = CASES[number]
    with pytest.raises(kind, match=sentence) as caught:
        make_supabase_store(f"{auth}/{number}").database(ENGINEER.login).call("whoami")
    assert ENGINEER.login.password not in str(caught.value)


@pytest.mark.parametrize("number", [8, 9])
def test_a_project_that_is_paused_says_so_to_everybody(
    auth: str, make_supabase_store: MakeSupabaseStore, number: int
) -> None:
    """This holds even if nobody signs in."""
    kind, sentence = Unavailable, CASES[number][4]
    store = make_supabase_store(f"{auth}/{number}")
    with pytest.raises(kind, match=sentence):
        store.database(None).call("whoami")
