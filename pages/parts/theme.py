"""The colours of the viewer's theme, for what Streamlit does not colour by itself."""

from __future__ import annotations

import streamlit as st


def text_colour() -> str:
    """Of words on the page."""
    return _colour("textColor")


def page_colour() -> str:
    """Of the page itself."""
    return _colour("backgroundColor")


def _colour(name: str) -> str:
    return str(st.get_option(f"theme.{st.context.theme.type or 'light'}.{name}"))
