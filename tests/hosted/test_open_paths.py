"""Monitors and sign-in are open to all, and no method or spelling opens anything else."""

from __future__ import annotations

import pytest

from tests.hosted.house import House


@pytest.mark.parametrize("path", ["/_stcore/health", "/api/health", "/sign-in", "/sign-in/style.css", "/auth/reset"])
def test_monitors_and_sign_in_are_open(house: House, path: str) -> None:
    """A monitor has no account, and whoever signs in has no session yet."""
    assert house.ask(path).status == 200
    assert house.inside.entered == (["/_stcore/health"] if path == "/_stcore/health" else [])


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get"])
def test_no_method_gets_around(house: House, method: str) -> None:
    """Uploads and preflights too."""
    for path in ("/", "/_stcore/upload_file/a/b", "/media/report.csv"):
        assert house.ask(path, method=method).status in (303, 403)
    assert house.inside.entered == []


TRICKS = [
    "//", "//_stcore/stream", "/./_stcore/stream", "/_stcore/../_stcore/stream", "/%5fstcore/stream", "/_STCORE/stream",
    "/_stcore/health/", "/_stcore/health/../stream", "/_stcore/health%00", "/_stcore/health;x", "/Sign-In",
    "/API/health", "/sign-in;/x", "/.", "/..", "/%2e%2e/", "/authx/login", "/sign-in%20", "/_stcore/healthx",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_no_spelling_gets_around(house: House, path: str) -> None:
    """A path that is open is open as it is written, and no other."""
    assert house.ask(path).status in (303, 403)
    assert not house.knock(path)
    assert house.inside.entered == []


@pytest.mark.parametrize(
    "path",
    ["/auth", "/auth/login", "/auth/logout", "/api", "/sign-in/a/b", "/sign-out/x", "/sign-in/../cost", "/auth/x"],
)
def test_what_is_open_is_ours(house: House, path: str) -> None:
    """Below our own paths, too, Streamlit answers nobody: it has /auth/login and a page for every path."""
    house.ask(path)
    assert house.inside.entered == []


@pytest.mark.parametrize("path", ["/auth/x", "/sign-in", "/sign-in/x", "/sign-out"])
def test_no_socket_is_open_to_all(house: House, path: str) -> None:
    """Signing in needs none."""
    house.knock(path)
    assert house.inside.entered == []
