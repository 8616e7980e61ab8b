"""What does the orchestrator make of these words? Describe a process, get its workflow, its price and its attempts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import streamlit as st

from orchestrator import InvalidRequest, OrchestratorError, Overrides, RunOptions
from orchestrator.models import CATALOGUE
from orchestrator.services import COMMON_SERVICES
from orchestrator.simulator import Fault
from pages.parts import console, run
from pages.parts.past_runs import past_runs
from pages.parts.run_view import show_run
from queries.runs import StoredRun, find_run
from store import StoreError

PARAMETER = "run"
EXAMPLE = "When a Zendesk ticket is urgent, alert the team on Slack, otherwise create a Jira issue."
AS_CONFIGURED = "As configured"


def start(prompt: str, services: list[str], options: RunOptions) -> None:
    """Begin a run unless this page's is still under way, and put it into the page's address."""
    current = opened()
    if current and (begun := run.known(current)) and begun.running:
        return
    try:
        begun = run.begin(console.application(), prompt, services, options)
    except (InvalidRequest, StoreError) as error:
        st.session_state["playground_refused"] = str(error)
        return
    st.query_params[PARAMETER] = str(begun.generation_id)
    st.session_state.pop("playground_refused", None)


def begin() -> None:
    """Start a run from what stands in the form."""
    state: Any = st.session_state
    overrides = None
    if state.playground_primary != AS_CONFIGURED or state.playground_single:
        primary = None if state.playground_primary == AS_CONFIGURED else state.playground_primary
        overrides = Overrides(primary=primary, fallback_enabled=False if state.playground_single else None)
    fault = state.get("playground_fault")
    options = RunOptions(overrides=overrides, primary_fault=Fault(fault) if fault else None)
    start(state.playground_prompt, state.playground_services, options)


def again(stored: StoredRun) -> None:
    """Ask for the same once more, linked to the run it replaces."""
    start(stored.prompt, stored.services, RunOptions(replaces_generation_id=stored.generation_id))


def opened() -> UUID | None:
    """The run that the page's address names; None for none, or for something that is no id."""
    try:
        return UUID(st.query_params.get(PARAMETER, ""))
    except ValueError:
        return None


@st.fragment(run_every=0.5)
def watch(begun: run.Run) -> None:
    """What is happening now, until it has ended."""
    if not begun.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/progress_activity: {begun.sentence()}")
        st.button("Cancel", on_click=begun.cancel)
    for step in begun.steps():
        st.markdown(f"- {step['operation']}")


def form(*, simulated: bool, running: bool) -> None:
    """The prompt, the services, and how this run differs from production."""
    with st.form("playground_form"):
        st.text_area("Describe the process", key="playground_prompt", placeholder=EXAMPLE, height=110)
        st.multiselect(
            "Connected services", sorted(COMMON_SERVICES), key="playground_services", accept_new_options=True,
            placeholder="Choose, or type a name and press Enter",
        )  # fmt: skip
        with st.expander("For this run only"):
            st.selectbox(
                "Primary model", [AS_CONFIGURED, *CATALOGUE], key="playground_primary",
                format_func=lambda name: CATALOGUE[name].label if name in CATALOGUE else name,
                help="A run with other models than configured is left out of targets, and counted as such.",
            )  # fmt: skip
            st.toggle("One attempt only, without fallback", key="playground_single")
            if simulated:
                st.selectbox(
                    "Let the primary fail with", ["", *(fault.value for fault in Fault)], key="playground_fault",
                    format_func=lambda fault: fault.replace("_", " ") or "Nothing",
                )  # fmt: skip
        st.form_submit_button("Generate", type="primary", on_click=begin, disabled=running)


def show(generation_id: UUID, begun: run.Run | None) -> None:
    """The opened run: while it runs what is happening, then what was booked."""
    if begun and begun.running:
        watch(begun)
        return
    if begun and (error := begun.error()):
        if not isinstance(error, OrchestratorError | StoreError):
            raise error
        console.problem(error)
    stored = find_run(application.person(), generation_id)
    if stored:
        show_run(stored)
        if stored.status != "running":
            st.button("Generate again", icon=":material/refresh:", on_click=again, args=(stored,))
    elif not begun:
        st.warning("There is no such run, or it belongs to somebody else.", icon=":material/search_off:")


st.title("Playground", anchor=False)
st.markdown("What does the orchestrator make of a process described in words, and what does that cost?")
application = console.at_hand()
if application.simulated:
    st.caption("The models are simulated: nothing leaves this machine, and every figure here is simulated too.")
chosen = opened()
under_way = run.known(chosen) if chosen else None
form(simulated=application.simulated, running=bool(under_way and under_way.running))
if refused := st.session_state.get("playground_refused"):
    st.warning(refused, icon=":material/edit:")
try:
    if chosen:
        show(chosen, under_way)
    elif PARAMETER in st.query_params:
        st.warning("The address names no run; describe a process above.", icon=":material/link_off:")
    past_runs(application.person(), PARAMETER)
except StoreError as error:
    console.problem(error)
