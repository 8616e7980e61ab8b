"""The console as one ASGI process; `streamlit run app.py` starts it."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from pages.parts import problems
from server.health import health
from server.settings import DoorSettings
from store import InvalidInput, read_environment


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Make ready while the first visitor's browser loads, and let go of everything at the end."""
    threading.Thread(target=_warm, name="warming", daemon=True).start()
    yield None
    from pages.parts import console

    console.close()


def _warm() -> None:
    # Imported here, or the server would not answer before it is.
    from pages.parts import console

    console.warm()


def _trouble() -> str | None:
    from pages.parts import console  # as above

    return console.trouble()


def _door() -> Middleware:
    """The door that the environment describes; without a sentence that says why not, the program ends here.

    At import time: what is raised later Streamlit turns into a traceback.
    """
    try:
        settings = DoorSettings.from_environment(read_environment())
        settings.check_address(st.get_option("server.address"))
    except InvalidInput as error:
        sys.exit(f"The console does not start. {error}")
    return settings.middleware(st.get_option("server.allowedHosts"))


# The main script lies inside pages/: beside a folder of that name, Streamlit would serve its files without the shell.
app = st.App(
    Path(__file__).parent / "pages" / "shell.py",
    lifespan=lifespan,
    routes=[health(_trouble)],
    middleware=[_door()],
    on_script_error=problems.report,
)
