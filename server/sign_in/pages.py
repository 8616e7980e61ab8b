"""The pages of signing in, as HTML."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import FileResponse, HTMLResponse, Response

from server.site import Site

_FOLDER = Path(__file__).parent
_ASSETS = {"style.css": "text/css", "links.js": "text/javascript", "mark.svg": "image/svg+xml"}
# No form-action: browsers apply it to redirects too, and a provider may redirect to any of its own addresses.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_templates = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip


def page(site: Site, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page made from a template; every value is escaped."""
    html = _templates.get_template(f"{template}.html").render(base=site.base, **{"complaint": None} | values)
    return HTMLResponse(html, status, {"cache-control": "no-store", "content-security-policy": _POLICY})


def asset(name: str) -> Response:
    """A style sheet, script or picture of these pages; 404 for any other name."""
    if name not in _ASSETS:
        return Response(status_code=404)
    folder = _FOLDER.parent.parent / "pages" if name == "mark.svg" else _FOLDER / "assets"
    return FileResponse(folder / name, media_type=_ASSETS[name], headers={"cache-control": "max-age=3600"})
