"""A console on the embedded database has no pages for signing in."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/auth/callback", "/auth/reset", "/auth/accept"])
def test_a_console_without_sign_in_has_no_such_pages(path: str) -> None:
    """On the embedded database, the addresses of signing in lead to the console."""
    from starlette.applications import Starlette

    from server.settings import ServerSettings
    from server.sign_in.routes import sign_in_routes

    site = ServerSettings().site(pytest.fail)
    browser = TestClient(Starlette(routes=sign_in_routes(site)), "http://localhost", follow_redirects=False)
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
