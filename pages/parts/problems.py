"""Errors on the screen: in their own words, or with a reference that finds them in the log."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

from pages.parts.words import escaped

log = logging.getLogger(__name__)


def problem(error: Exception) -> None:
    """Show one of the project's own errors in its own words."""
    st.error(escaped(error), icon=":material/error:")


def report(error: Exception) -> bool:
    """Show an unexpected error, with a reference that finds it in the log."""
    reference = secrets.token_hex(4)
    log.error("Reference %s", reference, exc_info=error)
    st.error(
        f"Something went wrong on this page. Nothing that was already generated is lost. Reload it, and if it happens "
        f"again, search the log for {reference}.",
        icon=":material/error:",
    )
    return True
