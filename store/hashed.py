"""Secrets as they are stored: as a hash, which gives nobody access."""

from __future__ import annotations

import hashlib


def sha256_of(secret: str) -> str:
    """The hash of a secret, hexadecimal; ours are long and random, so it needs no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
