"""This process's application, and what the page shows when there is none."""

from __future__ import annotations

import gc
import importlib
import logging
import threading
from functools import cache

import streamlit as st

from orchestrator import Application, OrchestratorError, bootstrap
from pages.parts.problems import problem
from store import StoreError

log = logging.getLogger(__name__)


_guard = threading.Lock()
_made: Application | None = None


def application() -> Application:
    """The application, created on first use and shared by every session.

    Raises:
        OrchestratorError, StoreError: it cannot be created now; the next call tries again.
    """
    global _made
    with _guard:
        if _made is None:
            _made = bootstrap()
        return _made


def warm() -> bool:
    """Create the application and import the charts in parallel, while the first visitor's browser loads.

    Returns:
        Whether there is an application.
    """
    importing = threading.Thread(
        target=importlib.import_module, args=["pages.parts.charts"], name="importing", daemon=True
    )
    importing.start()
    try:
        application()
    except (OrchestratorError, StoreError) as error:
        # The first page shows the same error to the visitor.
        log.warning("%s", error)
    importing.join()
    _keep_what_is_imported()
    return _made is not None


def warm_models() -> None:
    """Import the model SDKs in the background, after the first page and before the first prompt: it takes seconds."""
    if _made is not None:
        _warm_models(_made)


@cache
def _warm_models(made: Application) -> None:
    threading.Thread(target=_warm_models_now, args=[made], name="warming models", daemon=True).start()


def _warm_models_now(made: Application) -> None:
    made.orchestrator.warm()
    _keep_what_is_imported()


def _keep_what_is_imported() -> None:
    """Keep imported modules out of later garbage collections.

    Streamlit collects garbage after each rerun. With the 300,000 objects of pandas, Plotly and the SDKs, that stops
    the whole process for a quarter of a second, including the replies that are streaming in.
    """
    gc.collect()
    gc.freeze()


def close() -> None:
    """Record what is still running, and close models and database."""
    global _made
    with _guard:
        made, _made = _made, None
    if made is not None:
        made.close()


def trouble() -> str | None:
    """The code of the current problem; None if the database answers a test call."""
    try:
        application().person().call("whoami")
    except (OrchestratorError, StoreError) as error:
        return error.code
    return None


def available() -> Application:
    """The application; without one, the page ends here with the reason."""
    try:
        with st.spinner("Starting the database ..."):
            return application()
    except (OrchestratorError, StoreError) as error:
        problem(error)
        st.stop()


def at_hand() -> Application:
    """The application for pages that act as the local person; on Supabase, the page ends here and says why."""
    found = available()
    if not found.store.local:
        st.info(
            "This console is connected to Supabase, where signing in from the browser is not supported yet. "
            "Use `python -m orchestrator` in a terminal.",
            icon=":material/lock:",
        )
        st.stop()
    return found
