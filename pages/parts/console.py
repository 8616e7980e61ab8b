"""This process's application, and what the page shows when there is none."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import threading
import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, cast

import streamlit as st

from orchestrator import Application, OrchestratorError, bootstrap
from pages.parts.leave import leave
from pages.parts.problems import problem
from store import StoreError
from store.caller import COOKIE, Caller, Permission, who_is

if TYPE_CHECKING:
    from store.hosted.supabase import SupabaseStore

log = logging.getLogger(__name__)


_CALLER = "console_caller"
_CALLER_KNOWN_S = 5.0
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
    if _made is not None:
        _check(_made)
    return _made is not None


def _check(made: Application) -> None:
    """Say in the log what is missing, and begin what is due every hour."""
    try:
        made.store.check()
    except StoreError as error:
        log.warning("%s", error)
    made.housekeeping.start()


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


def available() -> Application:
    """The application; without one, the page ends here with the reason."""
    try:
        with st.spinner("Starting the database ..."):
            return application()
    except (OrchestratorError, StoreError) as error:
        problem(error)
        st.stop()


def at_hand() -> Application:
    """The application as this visitor uses it; if their session has ended, the page ends here and says so."""
    found = available()
    if found.store.local:
        return found
    store = cast("SupabaseStore", found.store)
    secret = st.context.cookies.get(COOKIE, "")
    try:
        session = store.browsers().find(secret) if secret else None
    except StoreError as error:
        problem(error)
        st.stop()
    if session is None:
        st.info("Your session has ended.", icon=":material/lock:")
        leave("sign-in", "Sign in again")
        st.stop()
    return replace(found, visitor=store.signed_in(session))


def caller() -> Caller:
    """Who is looking, and what they may do; as of a few seconds ago.

    Raises:
        StoreError: the database does not answer.
    """
    known, until = st.session_state.get(_CALLER, (None, 0.0))
    if known is None or time.monotonic() > until:
        known = who_is(at_hand().person())
        st.session_state[_CALLER] = known, time.monotonic() + _CALLER_KNOWN_S
    return cast(Caller, known)


def known_caller() -> Caller | None:
    """Who is looking, without asking anybody; None while that is not known."""
    known: Caller | None = st.session_state.get(_CALLER, (None, 0.0))[0]
    return known


def may(permission: Permission) -> bool:
    """Whether the visitor may do this, as far as the screen knows; the database decides again."""
    known = known_caller()
    return known is None or known.may(permission)


def is_local() -> bool:
    """Whether nobody signs in: whoever is here is the admin of the embedded database."""
    return _made is None or _made.store.local


def look() -> None:
    """Find out who is looking before the menu is drawn, if that takes no waiting for a start."""
    if _made is not None:
        with contextlib.suppress(OrchestratorError, StoreError):  # the page itself shows what is wrong
            caller()
