"""This process's application, and what the screen says when there is none."""

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
    """The application, made on first use and shared by every session.

    Raises:
        OrchestratorError, StoreError: it cannot be made now; the next call tries again.
    """
    global _made
    with _guard:
        if _made is None:
            _made = bootstrap()
        return _made


def warm() -> None:
    """Make the application and import what draws, side by side, while the first visitor's browser loads."""
    importing = threading.Thread(
        target=importlib.import_module, args=["pages.parts.charts"], name="importing", daemon=True
    )
    importing.start()
    try:
        application()
    except (OrchestratorError, StoreError) as error:
        # The first page says the same where somebody can read it.
        log.warning("%s", error)
    importing.join()
    _keep_what_is_imported()


def warm_models() -> None:
    """Import the model SDKs in the background, which takes seconds: after the first page, before the first prompt."""
    if _made is not None:
        _warm_models(_made)


@cache
def _warm_models(made: Application) -> None:
    threading.Thread(target=_warm_models_now, args=[made], name="warming models", daemon=True).start()


def _warm_models_now(made: Application) -> None:
    made.orchestrator.warm()
    _keep_what_is_imported()


def _keep_what_is_imported() -> None:
    """Let no garbage collection look through modules again.

    Streamlit collects after each rerun. With the 300,000 objects of pandas, Plotly and the SDKs in it, that stops the
    whole process for a quarter of a second, the replies that stream in meanwhile too.
    """
    gc.collect()
    gc.freeze()


def close() -> None:
    """Book what runs and let go of models and database."""
    global _made
    with _guard:
        made, _made = _made, None
    if made is not None:
        made.close()


def trouble() -> str | None:
    """The code of what does not work now; None where the database answers, which it is asked for."""
    try:
        application().person().call("whoami")
    except (OrchestratorError, StoreError) as error:
        return error.code
    return None


def available() -> Application:
    """The application; without one the page ends here with the sentence that says why."""
    try:
        with st.spinner("Starting the database ..."):
            return application()
    except (OrchestratorError, StoreError) as error:
        problem(error)
        st.stop()


def at_hand() -> Application:
    """The application for pages that act as the person at the machine; on Supabase the page ends here and says why."""
    found = available()
    if not found.store.local:
        st.info(
            "This console is connected to Supabase, and signing in on the screen is not possible yet: "
            "use `python -m orchestrator` in a terminal.",
            icon=":material/lock:",
        )
        st.stop()
    return found
