"""The colours of the viewer's theme, for elements that Streamlit does not colour itself."""

from __future__ import annotations

import streamlit as st


def text_colour() -> str:
    """The colour of text on the page."""
    return _colour("textColor")


def page_colour() -> str:
    """The background colour of the page."""
    return _colour("backgroundColor")


def _colour(name: str) -> str:
    return str(st.get_option(f"theme.{st.context.theme.type or 'light'}.{name}"))
