"""A drawer from the right for what is behind a mark or a row: it opens where the eye is, and Esc closes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

MARK_PARAMETER = "mark"
"""The address parameter for the mark or the row whose drawer is open, as `chart~name`."""
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

    Streamlit shows one dialog at a time: if the search or another drawer is open already, this one waits.

    Args:
        parameter: of the address, removed when the drawer is closed.
    """
    context = get_script_run_ctx()
    if context and context.has_dialog_opened:
        return
    closed = partial(_closed, st.session_state.get(_SOURCE), parameter)

    @st.dialog(title, width="medium", position="right", on_dismiss=closed)
    def opened() -> None:
        draw()

    opened()


def named(parameter: str, clicked: str | None, *, by: str = "") -> str | None:
    """What the address names for the drawer, after a new click is written into it; None for nothing.

    Args:
        by: tells several charts or tables with the same parameter apart.
    """
    seen = f"drawer_seen_{parameter}_{by}"
    if clicked and st.session_state.get(seen) != clicked:
        st.query_params[parameter] = clicked
    elif clicked and parameter not in st.query_params:
        # The browser went back, so nothing is selected any more.
        _renew(st.session_state.get(_SOURCE))
        st.rerun()
    st.session_state[seen] = clicked
    return st.query_params.get(parameter)


def _renew(key: str | None) -> None:
    rounds = st.session_state.setdefault(_ROUNDS, {})
    if key:
        rounds[key] = rounds.get(key, 0) + 1


def _closed(key: str | None, parameter: str | None) -> None:
    _renew(key)
    if parameter and parameter in st.query_params:
        del st.query_params[parameter]
