"""What went wrong, on the screen: in its own words, or with a reference that finds it in the log."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

from pages.parts.words import plain

log = logging.getLogger(__name__)


def problem(error: Exception) -> None:
    """Show an error of ours in its own words."""
    st.error(plain(error), icon=":material/error:")


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
