"""The console's forms, as a browser fills them in, and what its pages answer."""

from __future__ import annotations

import html
import re

import httpx2
from starlette.testclient import TestClient

from tests.hosted.project import PASSWORD

UNFINISHED = "console_sign_in"


def sign_in(browser: TestClient, email: str, password: str = PASSWORD, **more: str) -> httpx2.Response:
    """Fill in the form of the sign-in page, which may have further fields."""
    return browser.post("/sign-in", data={"email": email, "password": password, **more})


def complaint_of(response: httpx2.Response) -> str:
    """The sentence with which a page complains; empty if it does not."""
    found = re.search(r'role="alert" id="complaint">(.*?)</p>', response.text)
    return html.unescape(found[1]) if found else ""


def heading(response: httpx2.Response) -> str:
    """The heading of a page."""
    found = re.search(r"<h1>(.*?)</h1>", response.text)
    return html.unescape(found[1]) if found else ""


def hidden(response: httpx2.Response, name: str) -> str:
    """The value of a hidden field of a page's first form."""
    found = re.search(rf'<input type="hidden" name="{name}" value="(.*?)">', response.text)
    assert found
    return html.unescape(found[1])


def is_let_in(browser: TestClient) -> bool:
    """Whether this browser reaches the screen."""
    return browser.get("/").status_code == 200
