"""The form of the playground: a description, the connected services, and what is different for one generation."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from orchestrator.models.catalogue import CATALOGUE
from orchestrator.simulator import Fault
from orchestrator.workflow.services import COMMON_SERVICES, mentioned, same
from pages.parts.generation.repeat import DEFAULT_MODEL, NO_FALLBACK
from pages.parts.states import EXAMPLE
from pages.parts.words import escaped, spoken


def form(begin: Callable[[], None], *, simulated: bool, running: bool) -> None:
    """The prompt, the services, and what is different for this generation only.

    Args:
        begin: starts a generation from the values in the form.
    """
    with st.container(border=True):
        st.text_area(
            "Describe the process", key="playground_prompt", persist_state="session", placeholder=EXAMPLE, height=110
        )
        st.multiselect(
            "Connected services", sorted(COMMON_SERVICES), key="playground_services", accept_new_options=True,
            placeholder="Choose, or type a name and press Enter", persist_state="session",
        )  # fmt: skip
        # Always there: if elements after it changed places, the expander would close.
        with st.container():
            _not_connected()
        with st.expander("For this generation only"):
            _differently(simulated=simulated)
        st.button("Generate", type="primary", on_click=begin, disabled=running, shortcut="Ctrl+Enter")


def _not_connected() -> None:
    """The services that the description names but that are not connected, with a button that connects them."""
    state = st.session_state
    connected = {same(name) for name in state.get("playground_services") or ()}
    missing = [name for name in mentioned(state.get("playground_prompt") or "") if same(name) not in connected]
    if not missing:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        names = escaped(" and ".join(missing))
        st.markdown(f":material/link_off: Named in the description, but not connected: **{names}**", width="content")
        st.button("Connect", on_click=_connect, args=(missing,), key="playground_connect")


def _connect(names: list[str]) -> None:
    st.session_state["playground_services"] = [*st.session_state["playground_services"], *names]


def _differently(*, simulated: bool) -> None:
    with st.grid(2, min_column_width=240):
        st.text_input(
            "Agent ID", key="playground_agent", placeholder="New agent",
            help="The agent that the workflow is for. Its runs and fallbacks are counted under this ID.",
        )  # fmt: skip
        if simulated:
            st.selectbox(
                "Force the primary to fail with", ["", *(fault.value for fault in Fault)], key="playground_fault",
                format_func=lambda fault: spoken(fault) or "No failure",
            )  # fmt: skip
        st.selectbox(
            "Primary model", [DEFAULT_MODEL, *CATALOGUE], key="playground_primary", format_func=_choice,
            help="Generations with model overrides are counted separately and left out of targets.",
        )  # fmt: skip
        st.selectbox(
            "Fallback model", [DEFAULT_MODEL, NO_FALLBACK, *CATALOGUE], key="playground_fallback", format_func=_choice,
            help="Without a fallback, there is only one attempt.",
        )  # fmt: skip


def _choice(name: str) -> str:
    return CATALOGUE[name].label if name in CATALOGUE else name
