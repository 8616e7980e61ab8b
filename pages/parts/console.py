"""This process's application, and what the screen says when there is none."""

from __future__ import annotations

import logging
import secrets
import threading

import streamlit as st

from orchestrator import Application, OrchestratorError, bootstrap
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
    """Make the application and import the model SDKs, so that the first visitor need not wait for either."""
    try:
        application().orchestrator.warm()
    except (OrchestratorError, StoreError) as error:
        # The first page says the same where somebody can read it.
        log.warning("%s", error)


def close() -> None:
    """Book what runs and let go of models and database."""
    global _made
    with _guard:
        made, _made = _made, None
    if made is not None:
        made.close()


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


def problem(error: Exception) -> None:
    """Show an error of ours in its own words."""
    st.error(str(error), icon=":material/error:")


def report(error: Exception) -> bool:
    """Show an error that nobody foresaw, with a reference that finds it in the log."""
    reference = secrets.token_hex(4)
    log.error("Reference %s", reference, exc_info=error)
    st.error(
        f"Something went wrong on this page; nothing that was already generated is lost. Reload it, and if it happens "
        f"again, look for {reference} in the log.",
        icon=":material/error:",
    )
    return True
