"""Access control, based on the request line and the headers."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from server.door import Door, is_loopback
from server.settings import ServerSettings
from store import InvalidInput

LOCAL = ServerSettings()
PROXIED = ServerSettings(public_url="https://console.example.com")


def knock(
    settings: ServerSettings,
    host: str | None = "localhost:8501",
    origin: str | None = None,
    *,
    kind: str = "websocket",
    method: str = "GET",
    client: str = "127.0.0.1",
    server: str = "127.0.0.1",
) -> list[MutableMapping[str, Any]]:
    """The messages sent in reply; a lone `{"type": "in"}` if the request reached the console."""
    told: list[MutableMapping[str, Any]] = []
    headers = [(name, value.encode()) for name, value in ((b"host", host), (b"origin", origin)) if value is not None]
    scope = {"type": kind, "headers": headers, "client": (client, 1), "server": (server, 8501)}
    scope |= {"method": method} if kind == "http" else {}

    async def inside(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        assert b"origin" not in dict(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []} if kind == "http" else {"type": "in"})

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    made = settings.door()
    asyncio.run(Door(inside, **made.kwargs)(scope, receive, send))  # type: ignore[arg-type]  # as the settings say
    return told


def entered(settings: ServerSettings, *arguments: Any, **options: Any) -> bool:
    """Whether a WebSocket was accepted."""
    return knock(settings, *arguments, **options) == [{"type": "in"}]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "LOCALHOST:1", "localhost.", "127.0.0.1:8501", "[::1]:8501", "[::1]"]
)
def test_this_machine_by_its_names(host: str) -> None:
    """These names work with and without a port, in any case."""
    assert entered(LOCAL, host)
    assert entered(LOCAL, host, f"http://{host}")


@pytest.mark.parametrize(
    "host",
    [
        None, "", "evil.example", "evil.example:8501", "localhost.evil.example", "xlocalhost", "localhost:99999",
        "localhost:abc", "user@localhost", "localhost/x", "[::1", "127.0.0.1.nip.io", "0.0.0.0", "localhost\x00",  # noqa: S104 - refused
    ],
)  # fmt: skip
def test_no_other_name(host: str | None) -> None:
    """A foreign name that points to this machine is rejected."""
    assert not entered(LOCAL, host)
    assert knock(LOCAL, host, kind="http")[0]["status"] == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "http://localhost:9999", "https://localhost", "null", "http://", "http://[", "",
        "http://localhost:8501.evil.example", "http://user@localhost:8501",
    ],
)  # fmt: skip
def test_no_other_origin_acts(origin: str) -> None:
    """Another origin can neither open a WebSocket nor submit a form; it may request a file, but not read the answer."""
    assert not entered(LOCAL, "localhost:8501", origin)
    assert knock(LOCAL, "localhost:8501", origin, kind="http", method="POST")[0]["status"] == 403
    assert knock(LOCAL, "localhost:8501", origin, kind="http")[0]["status"] == 200


def test_behind_a_proxy() -> None:
    """The public name works from any address, whether or not the proxy keeps the Host header."""
    assert entered(PROXIED, "console.example.com", "https://console.example.com", client="203.0.113.9")
    assert entered(PROXIED, "127.0.0.1:8501", "https://console.example.com")
    assert not entered(PROXIED, "console.example.com", "https://evil.example")
    assert not entered(PROXIED, "other.example.com", "https://other.example.com")


@pytest.mark.parametrize("end", ["client", "server"])
@pytest.mark.parametrize("address", ["192.168.1.7", "203.0.113.9", "2001:db8::1"])
def test_without_sign_in_only_this_machine_connects(end: str, address: str) -> None:
    """This holds even if another server program was set to listen everywhere."""
    assert not entered(LOCAL, **{end: address})
    assert entered(LOCAL, **{end: "::ffff:127.0.0.1"})
    assert entered(ServerSettings(signs_in=True), **{end: address})


def test_nobody_else_frames_it() -> None:
    """Every answer forbids framing, including refusals."""
    for host, status in (("localhost", 200), ("evil.example", 403)):
        start = knock(LOCAL, host, kind="http")[0]
        assert start["status"] == status
        assert b"frame-ancestors 'self'" in dict(start["headers"])[b"content-security-policy"]


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.7", "example.com"])  # noqa: S104 - refused
def test_without_sign_in_it_listens_here_alone(address: str | None) -> None:
    """Without sign-in, any other address is refused with a sentence that says what to do; with sign-in it is not."""
    with pytest.raises(InvalidInput, match="without sign-in anyone who reaches it is its admin"):
        LOCAL.check_address(address)
    ServerSettings(signs_in=True).check_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "::ffff:127.0.0.1", "[::1]"])
def test_loopback(address: str) -> None:
    """All forms of this machine's own addresses count."""
    assert is_loopback(address)
    LOCAL.check_address(address)


@pytest.mark.parametrize(
    ("url", "host"), [("https://Console.example.com", "console.example.com"), ("http://10.0.0.7:8501/", "10.0.0.7")]
)
def test_the_public_address(url: str, host: str) -> None:
    """Only its host matters."""
    assert ServerSettings.from_environment({"ORCHESTRATOR_PUBLIC_URL": url}).public_host == host


@pytest.mark.parametrize("url", ["console.example.com", "https://", "https://a/b/c?d", "https://u:p@host", "x"])
def test_a_public_address_that_is_none(url: str) -> None:
    """The message names the variable."""
    with pytest.raises(InvalidInput, match="ORCHESTRATOR_PUBLIC_URL"):
        ServerSettings.from_environment({"ORCHESTRATOR_PUBLIC_URL": url})
