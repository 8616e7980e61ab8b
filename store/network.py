"""The network settings from the environment: proxies and certificates."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

PROXY_COMPLAINT = (
    "The proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is malformed; it should look like http://proxy:8080."
)
CERTIFICATES_COMPLAINT = "The certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be read."


def complaint(error: Exception) -> str:
    """The message for an HTTP client that could not be created; it quotes no values from the environment."""
    return CERTIFICATES_COMPLAINT if isinstance(error, OSError) else PROXY_COMPLAINT


MISTAKES: tuple[type[Exception], ...] = (ImportError, ValueError, OSError, httpx.InvalidURL)
"""What creating a client raises for an unusable proxy or unusable certificates."""


def proxy_for(url: str) -> str | None:
    """The proxy for a URL; None if there is none, even if NO_PROXY holds something that libraries cannot parse."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None  # the malformed URL itself is reported when it is requested
    if proxy_bypass(parts.hostname or ""):
        return None
    named = getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"
