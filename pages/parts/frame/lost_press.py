"""Lost presses: a press on a page whose session was lost arrives with a new session, without its callback.

Streamlit only calls the callbacks of widgets that an earlier run of the session has drawn; there was none.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

DOUBLE_CLICK_S = 2.0
"""Two presses within this time count as one: the page may not have been redrawn in between."""

_KNOWN, _LOST = "lost_press_known", "lost_press_lost"
_PRESSES = frozenset({"trigger_value", "string_trigger_value", "chat_input_value", "json_trigger_value"})


def tell_if_lost() -> None:
    """In the first run of a session, say that the press that came with it had no effect."""
    st.session_state[_LOST] = not st.session_state.get(_KNOWN) and _pressed()
    st.session_state[_KNOWN] = True
    if st.session_state[_LOST]:
        st.warning(
            "The connection to this page was lost, so your last click had no effect. Nothing was started, saved or "
            "changed. Check the page and try again.",
            icon=":material/link_off:",
        )


def heard() -> bool:
    """Whether a press in this run may act; False in the run that says that it had no effect."""
    return not st.session_state.get(_LOST, False)


def _pressed() -> bool:
    context = get_script_run_ctx()
    if context is None:
        return False
    # There is no public API for a press on a widget that this run may not draw at all.
    states = context.session_state._state._new_widget_state.states.values()
    protos = [state.value for state in states if hasattr(getattr(state, "value", None), "WhichOneof")]
    return any(proto.WhichOneof("value") in _PRESSES for proto in protos)
