"""All routes of our own: health, signing in, the API. They are the same beside Streamlit and alone."""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from server.health import health
from server.sign_in.routes import sign_in_routes
from server.site import Site


def routes(site: Site, trouble: Callable[[], str | None]) -> list[BaseRoute]:
    """The routes of a site, below its base; the health check answers at the root too, where monitors look for it.

    Args:
        trouble: returns a stable code for the current problem, None if there is none; it may block.
    """
    # Each with its whole path: a Mount at the base would take Streamlit's own paths as well.
    ours: list[BaseRoute] = [
        health(trouble, site.base),
        *sign_in_routes(site),
        Mount(f"{site.base}/api", _LateApi(site)),
    ]
    return [*ours, health(trouble)] if site.base else ours


class _LateApi:
    """The API, made at the first request: no page waits a third of a second until its framework is imported."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._app is None:
            from server.api.app import api

            self._app = api(self._site)
        await self._app(scope, receive, send)
