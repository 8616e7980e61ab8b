"""Sealing: what only this installation of the console can read, wherever it is kept."""

from __future__ import annotations

import base64
import binascii
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
        key = HKDF(SHA256(), length=32, salt=None, info=b"orchestrator console").derive(secret.encode())
        self._cipher = AESGCM(key)

    def close(self, text: str, purpose: str) -> str:
        """The text, sealed for one purpose, in characters that a cookie may hold."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())).decode()

    def open(self, sealed: str, purpose: str) -> str | None:
        """The text; None if it was sealed with another secret, for another purpose, or changed."""
        try:
            data = base64.urlsafe_b64decode(sealed)
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], purpose.encode()).decode()
        except (binascii.Error, InvalidTag, ValueError):
            return None
