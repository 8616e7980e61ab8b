"""The way to a provider's page and back, as a browser goes it."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

import httpx
from starlette.testclient import TestClient


def to_provider(browser: TestClient, provider: str = "google", **more: str) -> str:
    """Press a provider's button; returns the address of its page."""
    response = browser.post("/sign-in", data={"provider": provider, **more})
    assert response.status_code == 303
    return response.headers["location"]


def back_from(provider_page: str, *, cancel: bool = False) -> str:
    """Press "Continue" or "Cancel" on a provider's page; returns where it sends the browser, without the origin."""
    page = httpx.get(provider_page)
    assert page.status_code == 200
    fields = dict(re.findall(r'name="(\w+)" value="(.*?)"', page.text))
    [action], [cancelling] = re.findall(r'action="(.*?)"', page.text), re.findall(r'<a href="(.*?)"', page.text)
    answer = httpx.get(html.unescape(cancelling)) if cancel else httpx.get(action, params=fields)
    parts = urlsplit(answer.headers["location"])
    assert parts[:2] == ("http", "localhost")
    return f"{parts.path}?{parts.query}"
