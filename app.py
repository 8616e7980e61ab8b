"""The console as one ASGI process; `streamlit run app.py` starts it."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.middleware import Middleware

from pages.parts import problems
from server.compression import CompressedStatics
from server.first_paint import FirstPaint
from server.routes import routes
from server.settings import ServerSettings
from store import InvalidInput, read_environment

if TYPE_CHECKING:
    from orchestrator import Application


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Warm up while the first visitor's browser loads, and close everything at shutdown."""
    threading.Thread(target=_warm, name="warming", daemon=True).start()
    yield None
    from pages.parts import console

    console.close()


def _warm() -> None:
    # Imported here, so that the server can answer before the import is done.
    from pages.parts import console

    if console.warm():
        # After Streamlit's own words, so that it is the last line of a start.
        folder = str(st.get_option("server.baseUrlPath")).strip("/")
        print(f"  The console is ready: http://localhost:{st.get_option('server.port')}/{folder}", flush=True)


def _trouble() -> str | None:
    from orchestrator.readiness import trouble  # as above

    return trouble(_application)


def _application() -> Application:
    from pages.parts import console  # as above

    return console.application()


def _settings() -> ServerSettings:
    """What the environment says; if that is invalid, the program exits with a message.

    This runs at import time because Streamlit turns anything raised later into a traceback.
    """
    try:
        settings = ServerSettings.from_environment(read_environment())
        settings.check_address(st.get_option("server.address"))
    except InvalidInput as error:
        sys.exit(f"The console does not start. {error}")
    return settings


_STYLES = Path(__file__).parent / "pages" / "parts" / "style.css"

_server = _settings()
_site = _server.site(_application, str(st.get_option("server.baseUrlPath")))

# The main script is inside pages/: next to a folder of that name, Streamlit would serve its files without the shell.
app = st.App(
    Path(__file__).parent / "pages" / "shell.py",
    lifespan=lifespan,
    routes=routes(_site, _trouble),
    middleware=[
        *_server.middleware(_site, st.get_option("server.allowedHosts")),
        Middleware(FirstPaint, style_sheet=_STYLES),
        Middleware(CompressedStatics),
    ],
    on_script_error=problems.report,
)
