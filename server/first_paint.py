"""The console's styles in the page itself, so that nothing moves when the first script has run."""

from __future__ import annotations

from pathlib import Path

from server.compression import whole
from server.door import App, Receive, Scope, Send

_END_OF_HEAD = b"</head>"


class FirstPaint:
    """Puts a style sheet into each page that is served; leaves everything else as it is."""

    def __init__(self, app: App, style_sheet: Path) -> None:
        """Read the style sheet once.

        Args:
            style_sheet: a CSS file.
        """
        self._app = app
        self._style = b"<style>" + style_sheet.read_bytes() + b"</style>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _asks_for_page(scope):
            await self._app(scope, receive, send)
            return
        # A compressed page could not be written into.
        readable = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start, body = await whole(self._app, {**scope, "headers": readable}, receive)
        headers = dict(start["headers"])
        # A page with a policy of its own has its own styles, and would refuse these.
        ours = b"content-security-policy" in headers
        if start["status"] == 200 and not ours and headers.get(b"content-type", b"").startswith(b"text/html"):
            body = body.replace(_END_OF_HEAD, self._style + _END_OF_HEAD, 1)
            headers |= {b"content-length": b"%d" % len(body)}
            # They are those of the file without the styles.
            headers.pop(b"etag", None)
            headers.pop(b"last-modified", None)
        await send({**start, "headers": list(headers.items())})
        await send({"type": "http.response.body", "body": body})


def _asks_for_page(scope: Scope) -> bool:
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")
