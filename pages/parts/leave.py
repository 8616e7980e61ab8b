"""Links to the server's own pages, such as signing out; Streamlit's links would open them in another tab."""

from __future__ import annotations

import html

import streamlit as st


def leave(path: str, words: str) -> None:
    """Draw a link that leaves the console's pages.

    Args:
        path: of one of the server's own pages, without a slash before it.
    """
    st.html(f'<a class="leave" href="./{path}" target="_self">{html.escape(words)}</a>')
