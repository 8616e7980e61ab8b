"""Sealing: what only this installation of the console can read, wherever it is kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Seal:
    """Encrypts and authenticates texts with a key derived from the installation's secret.

    Args:
        secret: any text; the same on all hosts of an installation.
    """

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(_derived(secret, b"console seal"))
        self._digest_key = _derived(secret, b"console digest")

    def close(self, text: str, purpose: str) -> str:
        """The text, sealed for one purpose, in characters that a cookie may hold."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())).decode()

    def digest(self, text: str) -> str:
        """A hash of the text that nobody can look up without the secret, hexadecimal."""
        return hmac.new(self._digest_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def open(self, sealed: str, purpose: str) -> str | None:
        """The text; None if it was sealed with another secret, for another purpose, or changed."""
        try:
            data = base64.urlsafe_b64decode(sealed)
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], purpose.encode()).decode()
        except (binascii.Error, InvalidTag, ValueError):
            return None


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
