"""A drawer from the right for what is behind a mark or a row: it opens where the eye is, and Esc closes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

_ROUNDS, _SOURCE = "drawer_rounds", "drawer_source"


def widget_key(key: str) -> str:
    """The key of a chart or table whose marks open a drawer.

    It changes when the drawer is closed: nothing is selected then, and one more click opens it again.
    """
    return f"{key}_{st.session_state.get(_ROUNDS, {}).get(key, 0)}"


def clicked(key: str) -> None:
    """Remember which chart or table opens the drawer of this run."""
    st.session_state[_SOURCE] = key


def drawer(title: str, draw: Callable[[], object], *, parameter: str | None = None) -> None:
    """Open the drawer; it stays open while the mark is selected or the address names it.

    Args:
        parameter: of the address, removed when the drawer is closed.
    """
    closed = partial(_closed, st.session_state.get(_SOURCE), parameter)

    @st.dialog(title, width="medium", position="right", on_dismiss=closed)
    def opened() -> None:
        draw()

    opened()


def named(parameter: str, clicked: str | None) -> str | None:
    """What the address names for the drawer, after a new click is written into it; None for nothing."""
    seen = f"drawer_seen_{parameter}"
    if clicked and st.session_state.get(seen) != clicked:
        st.query_params[parameter] = clicked
    st.session_state[seen] = clicked
    return st.query_params.get(parameter)


def _closed(key: str | None, parameter: str | None) -> None:
    rounds = st.session_state.setdefault(_ROUNDS, {})
    if key:
        rounds[key] = rounds.get(key, 0) + 1
    if parameter and parameter in st.query_params:
        del st.query_params[parameter]
