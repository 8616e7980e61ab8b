"""What access tokens are signed with: the legacy shared secret, or a pair of keys that can be rotated."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from store import clock

Claims = dict[str, Any]

_ONLY_THE_SIGNATURE = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    private: ec.EllipticCurvePrivateKey

    def as_public(self) -> Claims:
        """The public half as a JSON Web Key."""
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return public | {"kid": self.kid, "alg": "ES256", "use": "sig", "key_ops": ["verify"]}


class Signing:
    """Signs and checks access tokens; made by `hs256` or `es256`."""

    def __init__(self, keys: list[_Key], secret: str | None) -> None:
        self._keys = keys
        self._current = 0
        self._secret = secret
        self._secret_kid = str(uuid4())

    @classmethod
    def hs256(cls, secret: str) -> Signing:
        """Sign with a shared secret, as legacy projects do."""
        return cls([], secret)

    @classmethod
    def es256(cls, *, secret: str | None = None, keys: int = 2) -> Signing:
        """Sign with the first of several P-256 keys; tokens signed with the legacy secret, if any, stay valid."""
        return cls([_Key(str(uuid4()), ec.generate_private_key(ec.SECP256R1())) for _ in range(keys)], secret)

    @property
    def kid(self) -> str:
        """The name of the key that signs now."""
        return self._keys[self._current].kid if self._keys else self._secret_kid

    def rotate(self) -> None:
        """Sign with the next key; tokens of the previous one stay valid until it is revoked."""
        if self._current + 1 >= len(self._keys):
            raise ValueError("There is no key left to rotate to.")
        self._current += 1

    def revoke(self, kid: str) -> None:
        """Withdraw a key that no longer signs, and with it all of its tokens."""
        if kid == self.kid:
            raise ValueError("The current key cannot be revoked; rotate first.")
        signs_now = self._keys[self._current]
        self._keys = [key for key in self._keys if key.kid != kid]
        self._current = self._keys.index(signs_now)

    def token(self, claims: Claims) -> str:
        """The signed token."""
        if self._keys:
            return jwt.encode(claims, self._keys[self._current].private, "ES256", {"kid": self.kid})
        return jwt.encode(claims, self._secret or "", "HS256", {"kid": self.kid})

    def claims(self, token: str) -> Claims:
        """The claims of a token that one of the keys signed and that has not expired.

        Raises:
            jwt.InvalidTokenError: it is not such a token.
        """
        key, algorithm = self._key_for(jwt.get_unverified_header(token))
        claims: Claims = jwt.decode(token, key, [algorithm], _ONLY_THE_SIGNATURE)  # type: ignore[arg-type]  # PyJWT's own type is private
        if "exp" in claims and claims["exp"] <= clock.now().timestamp():
            raise jwt.ExpiredSignatureError("token is expired")
        return claims

    def jwks(self) -> dict[str, list[Claims]]:
        """The public keys; the shared secret is not among them."""
        return {"keys": [key.as_public() for key in self._keys]}

    def postgrest_secret(self) -> str:
        """The value of PostgREST's jwt-secret: the secret itself, or all keys, the legacy secret among them."""
        if not self._keys:
            return self._secret or ""
        keys = self.jwks()["keys"]
        if self._secret:
            octets = base64.urlsafe_b64encode(self._secret.encode()).rstrip(b"=").decode()
            keys.append({"kty": "oct", "k": octets, "alg": "HS256", "kid": self._secret_kid})
        return json.dumps({"keys": keys})

    def _key_for(self, header: dict[str, Any]) -> tuple[ec.EllipticCurvePublicKey | str, str]:
        for key in self._keys:
            if key.kid == header.get("kid"):
                return key.private.public_key(), "ES256"
        if self._secret and header.get("alg") == "HS256":
            return self._secret, "HS256"
        raise jwt.InvalidTokenError("unrecognized JWT kid for this algorithm")
