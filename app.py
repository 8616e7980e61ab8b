"""The console as one ASGI process; `streamlit run app.py` starts it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts import console


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Make ready while the first visitor's browser loads, and let go of everything at the end."""
    threading.Thread(target=console.warm, name="warming", daemon=True).start()
    yield None
    console.close()


# The main script lies inside pages/: beside a folder of that name, Streamlit would serve its files without the shell.
app = st.App(
    Path(__file__).parent / "pages" / "shell.py",
    lifespan=lifespan,
    on_script_error=console.report,
)
