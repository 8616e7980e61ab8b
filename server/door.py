"""Access control: an ASGI middleware in front of every page, file and WebSocket.

A browser sends a Host header with every request. If every Host were answered, a web page whose name is made to point
at this machine (DNS rebinding) could act as the person sitting here, so only known names are answered. WebSockets are
opened for pages of the same origin only, and no other site's page may show ours in a frame.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names by which browsers on this machine reach it."""

# What Streamlit's scripts need, and nothing from anywhere else: they build styles and code at run time.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss: data: blob:; "
    "worker-src 'self' blob:; frame-src 'self' blob:; media-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = [
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_ONLY_HTTPS = (b"strict-transport-security", b"max-age=31536000")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY_VIOLATION = 1008
_STRANGE_HOST = (
    "This console is not available under this name. Open it at http://localhost or, behind a proxy, set "
    "ORCHESTRATOR_PUBLIC_URL to its public URL."
)
_STRANGE_ORIGIN = "Pages of other sites may not act on this console."
_NOT_LOCAL = (
    "This console has no sign-in, and anyone who reaches it would be its admin, so it only answers this machine. "
    "Connect it to a Supabase project, or let people in through a proxy and set ORCHESTRATOR_PUBLIC_URL."
)


class Door:
    """Lets permitted requests in, and answers everything else with status 403 and one sentence."""

    def __init__(self, app: App, *, hosts: Collection[str], local_only: bool, https: bool = False) -> None:
        """Wrap an application.

        Args:
            https: whether browsers reach us over https, and never over http again.
            hosts: the names under which the console is available, without ports; `*.example.com` for any subdomain.
            local_only: whether only this machine may connect.
        """
        self._app = app
        self._hosts = frozenset(_folded(host) for host in hosts)
        self._local_only = local_only
        self._headers = [*_HEADERS, _ONLY_HTTPS] if https else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def dressed(message: MutableMapping[str, Any]) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message = {**message, "headers": self._dressed(message.get("headers", []))}
            await send(message)

        if complaint := self._complaint(scope):
            await refuse(scope, receive, dressed, complaint)
            return
        # Checked here: Streamlit's own check would ask a server on the internet for this machine's address.
        own = {**scope, "headers": [header for header in scope["headers"] if header[0] != b"origin"]}
        await self._app(own, receive, dressed)

    def _dressed(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer with ours; an answer with a stricter policy of its own keeps that."""
        own = list(headers)
        has_policy = any(name == b"content-security-policy" for name, _ in own)
        return [*own, *self._headers, *([] if has_policy else [(b"content-security-policy", _POLICY.encode())])]

    def _complaint(self, scope: Scope) -> str | None:
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        if len(hosts) != 1 or not self._is_open_under(_name(f"//{hosts[0]}")):
            return _STRANGE_HOST
        ends = [end[0] for end in (scope.get("server"), scope.get("client")) if end]
        if self._local_only and not all(map(is_loopback, ends)):
            return _NOT_LOCAL
        acts = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if acts and not all(self._is_own(origin, hosts[0]) for origin in origins):
            return _STRANGE_ORIGIN
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page of this origin is ours: it has the requested Host or a public name."""
        try:
            same = urlsplit(origin).netloc.casefold() == host.casefold()
        except ValueError:
            return False
        name = _name(origin)
        return same or (name not in LOCAL_NAMES and self._is_open_under(name))

    def _is_open_under(self, name: str | None) -> bool:
        if name is None:
            return False
        parents = (f"*.{name.split('.', count)[-1]}" for count in range(1, name.count(".") + 1))
        return name in self._hosts or any(parent in self._hosts for parent in parents)


def is_loopback(address: str) -> bool:
    """Whether an address or name is a loopback one, which nobody else can reach; False if it is not an address."""
    if _folded(address) == "localhost":
        return True
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def host_of(url: str) -> str | None:
    """The host of a URL; None if it has none."""
    return _name(url)


def _name(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for an invalid port
        hostname = parts.hostname
    except ValueError:
        return None
    return None if hostname is None or parts.username is not None or parts.path not in ("", "/") else _folded(hostname)


def _folded(host: str) -> str:
    return host.strip().casefold().removesuffix(".")


def _values(scope: Scope, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key == name]


async def refuse(scope: Scope, receive: Receive, send: Send, complaint: str) -> None:
    """Answer a request or a WebSocket with status 403 and one sentence."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})  # sent before accepting: answered with 403
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": complaint.encode()})
