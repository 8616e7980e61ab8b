"""What came of the last action: said by a callback, shown once by the run that follows."""

from __future__ import annotations

import streamlit as st

from pages.parts.problems import problem

_RESULT = "last_result"


def tell(result: str | Exception) -> None:
    """Say what came of an action: a sentence, or the error that ended it."""
    st.session_state[_RESULT] = result


def show_result() -> None:
    """Show what was said, once; nothing if nothing was."""
    told = st.session_state.pop(_RESULT, None)
    if isinstance(told, Exception):
        problem(told)
    elif told:
        st.success(told, icon=":material/check:")
