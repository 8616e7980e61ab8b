"""The console's styles are in the page, and nowhere else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from server.first_paint import FirstPaint

PAGE = "<html><head><title>x</title></head><body>" + "</head> " * 500 + "</body></html>"
PAGES = {"accept": "text/html,*/*", "accept-encoding": "gzip"}


async def page(request: Request) -> Response:
    """A page with a validator."""
    return HTMLResponse(PAGE, headers={"etag": '"1"'})


async def missing(request: Request) -> Response:
    """A page that says that there is none."""
    return HTMLResponse(PAGE, status_code=404)


async def data(request: Request) -> Response:
    """No page."""
    return JSONResponse({"html": "</head>"})


@pytest.fixture(name="app")
def app_fixture(tmp_path: Path) -> FirstPaint:
    """A site that compresses its pages, with a style sheet."""
    style = tmp_path / "style.css"
    style.write_text("h1 { color: red }", encoding="utf-8")
    site = Starlette(routes=[Route("/", page), Route("/missing", missing), Route("/data", data)])
    return FirstPaint(GZipMiddleware(site), style)


def get(app: FirstPaint, path: str, **headers: str) -> httpx.Response:
    """The answer to a request."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def test_a_page_has_the_styles_in_its_head(app: FirstPaint) -> None:
    """Once, with the right length, and without the validators of the page as it was."""
    answer = get(app, "/", **PAGES)

    assert answer.text == PAGE.replace("</head>", "<style>h1 { color: red }</style></head>", 1)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "etag" not in answer.headers


@pytest.mark.parametrize(
    ("path", "headers"), [("/missing", PAGES), ("/data", PAGES), ("/", {"accept": "application/json"})]
)
def test_everything_else_is_as_it_was(app: FirstPaint, path: str, headers: dict[str, str]) -> None:
    """An error, data, and a request for no page."""
    assert "<style>" not in get(app, path, **headers).text
