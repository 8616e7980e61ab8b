"""Forged tokens open no form, and those of two people make no session of both."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta

import jwt
import psycopg
import pytest

from store import NotSignedIn, clock
from store.caller import who_is
from store.hosted.auth import Tokens
from store.identity import PasswordLogin
from tests.database.gateway import LEGACY_KEY
from tests.hosted.consoles import Console, MakeConsole
from tests.hosted.forms import complaint_of
from tests.hosted.project import PASSWORD, NewPerson
from tests.supabase_auth import AuthServer, Signing


@pytest.fixture(name="tokens")
def tokens_fixture(console: Console, new_person: NewPerson) -> Tokens:
    """What Auth gave somebody who signed in."""
    return console.store.auth.sign_in(PasswordLogin(new_person().email, PASSWORD))


def _of_another_key(auth: AuthServer, tokens: Tokens) -> str:
    return Signing.es256().token(_claims(tokens))


def _of_another_secret(auth: AuthServer, tokens: Tokens) -> str:
    return jwt.encode(_claims(tokens), "a secret that is not the project's own", "HS256")


def _unsigned(auth: AuthServer, tokens: Tokens) -> str:
    return jwt.encode(_claims(tokens), "", "none")


def _with_public_key_as_secret(auth: AuthServer, tokens: Tokens) -> str:
    [key, *_] = auth.signing.jwks()["keys"]
    unsigned = jwt.encode(_claims(tokens), "x" * 32, "HS256", {"kid": key["kid"]}).rpartition(".")[0]
    signature = hmac.digest(json.dumps(key).encode(), unsigned.encode(), "sha256")
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _of_somebody_else(auth: AuthServer, tokens: Tokens) -> str:
    header, _, signature = tokens.access_token.split(".")
    admin = auth.user_with("admin@example.com")
    assert admin
    payload = jwt.encode(_claims(tokens) | {"sub": admin.id}, "x" * 32, "HS256").split(".")[1]
    return f"{header}.{payload}.{signature}"


def _cut(auth: AuthServer, tokens: Tokens) -> str:
    return tokens.access_token[:-10]


def _expired(auth: AuthServer, tokens: Tokens) -> str:
    return auth.signing.token(_claims(tokens) | {"exp": int((clock.now() - timedelta(hours=1)).timestamp())})


def _api_key(auth: AuthServer, tokens: Tokens) -> str:
    return LEGACY_KEY


def _no_token(auth: AuthServer, tokens: Tokens) -> str:
    return "made up"


def _claims(tokens: Tokens) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(tokens.access_token, options={"verify_signature": False})
    return claims


Forgery = Callable[[AuthServer, Tokens], str]
FORGERIES: list[Forgery] = [
    _of_another_key, _of_another_secret, _unsigned, _with_public_key_as_secret, _of_somebody_else, _cut, _expired,
    _api_key, _no_token,
]  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_opens_no_password_form(
    console: Console, auth: AuthServer, tokens: Tokens, forgery: Forgery
) -> None:
    """Only Auth says whether the tokens of a link are good; others lead back to the form."""
    browser = console.browser()
    fields = {"access_token": forgery(auth, tokens), "refresh_token": "made up", "kind": "recovery"}
    answer = browser.post("/auth/accept", data=fields)
    assert answer.status_code == 400
    assert "expired or was used before" in complaint_of(answer)
    assert not browser.cookies


def test_tokens_of_two_people_make_no_session_of_both(
    make_console: MakeConsole, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """A renewal that brings the tokens of another person than the session's ends it; nobody is two people."""
    console, one, other = make_console(), new_person(), new_person()
    sign_ins = [console.store.auth.sign_in(PasswordLogin(person.email, PASSWORD)) for person in (one, other)]
    mixed = Tokens(one.id, sign_ins[0].access_token, sign_ins[1].refresh_token, 3_600)
    secret = console.store.browsers().open(mixed, "password", {})
    project_owner.execute("update private.sessions set access_ends_at = now()")
    session = console.store.browsers().find(secret)
    assert session
    try:
        seen = who_is(console.store.signed_in(session)).user_id
    except NotSignedIn:
        return
    assert seen == one.id
