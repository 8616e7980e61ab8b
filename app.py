"""The console as one ASGI process; `streamlit run app.py` starts it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts import problems


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


# The main script lies inside pages/: beside a folder of that name, Streamlit would serve its files without the shell.
app = st.App(
    Path(__file__).parent / "pages" / "shell.py",
    lifespan=lifespan,
    on_script_error=problems.report,
)
