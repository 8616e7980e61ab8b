"""Static files are compressed once, for browsers that accept it."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.compression import CompressedStatics

SCRIPT = "let answer = 42;\n" * 500


class Site:
    """A site with a script, a font and a page, that counts its requests."""

    def __init__(self) -> None:
        self.asked = 0
        routes = [
            Route("/static/script.js", self.script),
            Route("/console/static/script.js", self.script),
            Route("/static/font.woff2", self.font),
            Route("/page", self.script),
        ]
        self.app = CompressedStatics(Starlette(routes=routes))

    async def script(self, request: Request) -> Response:
        """Text that compresses well."""
        self.asked += 1
        return PlainTextResponse(SCRIPT, media_type="application/javascript", headers={"etag": '"1"'})

    async def font(self, request: Request) -> Response:
        """Bytes that are compressed already."""
        return Response(b"x" * 5000, media_type="font/woff2")


@pytest.fixture(name="site")
def site_fixture() -> Site:
    """A fresh site."""
    return Site()


async def _get(site: Site, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=site.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path, headers={"accept-encoding": "identity"} | headers)


def get(site: Site, path: str, **headers: str) -> httpx.Response:
    """The answer to a request."""
    return asyncio.run(_get(site, path, **headers))


@pytest.mark.parametrize("path", ["/static/script.js", "/console/static/script.js"])
def test_a_script_is_sent_compressed(site: Site, path: str) -> None:
    """Its content and validators are the same, its size a fraction; it is compressed once."""
    first, second = (get(site, path, **{"accept-encoding": "gzip, br"}) for _ in range(2))

    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["vary"] == "Accept-Encoding"
    assert first.headers["etag"] == '"1"'
    assert int(first.headers["content-length"]) == len(gzip.compress(SCRIPT.encode(), 6, mtime=0)) < len(SCRIPT) / 10
    assert first.text == second.text == SCRIPT
    assert site.asked == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/script.js", {}),
        ("/static/script.js", {"accept-encoding": "gzip", "range": "bytes=0-9"}),
        ("/static/font.woff2", {"accept-encoding": "gzip"}),
        ("/page", {"accept-encoding": "gzip"}),
        ("/static/missing.js", {"accept-encoding": "gzip"}),
    ],
)
def test_anything_else_is_sent_as_it_is(site: Site, path: str, headers: dict[str, str]) -> None:
    """Without gzip in the request, for parts of files, fonts, pages and errors."""
    assert "content-encoding" not in get(site, path, **headers).headers
