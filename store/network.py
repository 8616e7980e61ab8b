"""The way to the outside as the environment describes it: proxies and certificates."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

PROXY_COMPLAINT = (
    "The proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names is not understood; it looks like http://proxy:8080."
)
CERTIFICATES_COMPLAINT = "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."


def complaint(error: Exception) -> str:
    """What is wrong with the environment, where making an HTTP client failed; nothing of what it holds."""
    return CERTIFICATES_COMPLAINT if isinstance(error, OSError) else PROXY_COMPLAINT


MISTAKES: tuple[type[Exception], ...] = (ImportError, ValueError, OSError, httpx.InvalidURL)
"""What making a client raises for a proxy or certificates that cannot be used."""


def proxy_for(url: str) -> str | None:
    """The proxy on the way to one host; None for none, also where NO_PROXY holds what no library understands."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None  # what is wrong with the address itself is said when it is asked
    if proxy_bypass(parts.hostname or ""):
        return None
    named = getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"
