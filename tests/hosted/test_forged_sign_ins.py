"""A borrowed API token or a forged sign-in opens nothing."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from store import clock
from tests.hosted.callers import World


@pytest.mark.parametrize("token", ["token generate", "token report", "token events", "token revoked", ""])
@pytest.mark.parametrize("name", ["admin", "with code", "pm", "engineer", "stranger", "banned"])
def test_a_person_gains_nothing_by_an_api_token(world: World, rest: httpx.Client, name: str, token: str) -> None:
    """The header is for the orchestrator; from anybody else it takes everything away."""
    borrowed = world.callers[token].token_sha256 if token else ""
    headers = world.callers[name].headers | {"X-Console-Token": borrowed or ""}
    told = rest.post("/rpc/whoami", json={}, headers=headers).json()
    assert (told["permissions"], told["token_id"]) == ([], None)
    for function in ("get_settings", "list_people", "list_api_tokens", "has_sample_data", "erase_old_texts"):
        answer = rest.post(f"/rpc/{function}", json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "PT401"), function
    assert rest.get("/workflows", headers=headers).json() == []
    assert rest.get("/system_settings_config", headers=headers).json() == []


def test_nobody_gains_nothing_by_an_api_token(world: World, rest: httpx.Client) -> None:
    """The hash alone, without the orchestrator's sign-in, opens nothing."""
    headers = {"x-console-token": world.callers["token report"].token_sha256 or ""}
    for function in ("whoami", "get_settings", "has_sample_data"):
        assert rest.post(f"/rpc/{function}", json={}, headers=headers).json()["code"] == "42501"


Forge = Callable[[World, dict[str, Any]], str]
_SOMEBODYS_KEY = {
    "kty": "EC", "crv": "P-256", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}  # fmt: skip


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _unsigned(world: World, algorithm: str, claims: dict[str, Any]) -> str:
    head = {"alg": algorithm, "typ": "JWT", "kid": world.project.auth.signing.kid}
    return f"{_part(json.dumps(head).encode())}.{_part(json.dumps(claims).encode())}"


def _signed_by_another(world: World, claims: dict[str, Any]) -> str:
    key = jwt.PyJWK.from_dict(_SOMEBODYS_KEY).key
    return jwt.encode(claims, key, "ES256", {"kid": world.project.auth.signing.kid})


def _signed_with_the_public_keys(world: World, claims: dict[str, Any]) -> str:
    body = _unsigned(world, "HS256", claims)
    return (
        f"{body}.{_part(hmac.digest(world.project.auth.signing.postgrest_secret().encode(), body.encode(), 'sha256'))}"
    )


def _with_the_engineers_signature(world: World, claims: dict[str, Any]) -> str:
    signature = str(world.callers["engineer"].identity.access_token).rpartition(".")[2]
    return f"{_unsigned(world, 'ES256', claims)}.{signature}"


FORGERIES: dict[str, Forge] = {
    "not signed": lambda world, claims: f"{_unsigned(world, 'none', claims)}.",
    "signed by another": _signed_by_another,
    "signed with the public keys": _signed_with_the_public_keys,
    "with the engineer's signature": _with_the_engineers_signature,
    "expired": lambda world, claims: world.project.auth.signing.token(claims | {"exp": claims["iat"] - 3600}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_sign_in_is_nobody(world: World, rest: httpx.Client, forgery: str) -> None:
    """The same claims are the admin's with the right signature, and refused with any other, not taken for nobody's."""
    now, admin = int(clock.system().timestamp()), world.callers["admin"].identity.user_id
    claims = {"sub": admin, "role": "authenticated", "aud": "authenticated", "aal": "aal2", "iat": now, "exp": now + 60}
    real, forged = world.project.auth.signing.token(claims), FORGERIES[forgery](world, claims)

    def asked(token: str) -> httpx.Response:
        return rest.post("/rpc/whoami", json={}, headers={"authorization": f"Bearer {token}"})

    assert asked(real).json()["user_id"] == admin
    assert (asked(forged).status_code, asked(forged).json()["code"][:7]) == (401, "PGRST30")
