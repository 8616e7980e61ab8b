"""The running console answers only under its own names, and only its own pages."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.browser.served import ROOT

_START = "import streamlit as st, sys; st.config.set_option('server.address', sys.argv[1]); import app"
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def asked(address: str, path: str, *headers: str) -> str:
    """The head of the response to a raw request, in lower case."""
    port = urlsplit(address).port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode())
        head = b""
        while b"\r\n\r\n" not in head and (read := connection.recv(4096)):
            head += read
    return head.decode("latin-1").partition("\r\n\r\n")[0].lower()


def upgraded(address: str, *headers: str) -> str:
    """The status of an attempt to open the page's WebSocket."""
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {_KEY}")
    return asked(address, "/_stcore/stream", *headers, *upgrade).split(" ")[1]


@pytest.mark.parametrize("path", ["/", "/playground", "/_stcore/health", "/_stcore/host-config", "/static/index.html"])
def test_a_foreign_name_gets_nothing(console: str, path: str) -> None:
    """A web page whose name was made to point here (DNS rebinding) reads nothing."""
    assert asked(console, path, "Host: evil.example").startswith("http/1.1 403")
    answer = asked(console, path, f"Host: {urlsplit(console).netloc}")
    assert answer.startswith("http/1.1 200")
    assert "frame-ancestors 'self'" in answer


def test_a_foreign_page_opens_no_socket(console: str) -> None:
    """Under a foreign name, or from a foreign page under ours."""
    own = urlsplit(console).netloc
    assert upgraded(console, "Host: evil.example", "Origin: http://evil.example") == "403"
    assert upgraded(console, f"Host: {own}", "Origin: http://evil.example") == "403"
    assert upgraded(console, f"Host: {own}", "Origin: http://localhost:1") == "403"
    assert upgraded(console, f"Host: {own}", f"Origin: http://{own}") == "101"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1"])  # noqa: S104 - it must be refused
def test_it_does_not_start_where_anybody_would_be_admin(address: str) -> None:
    """One sentence, exit 1, no traceback."""
    environment = os.environ | {"STREAMLIT_SERVER_ADDRESS": address, "STREAMLIT_SERVER_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-c", _START, address],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "without sign-in anyone who reaches it is its admin" in done.stderr
    assert "Traceback" not in done.stderr
