"""Which workflow does a description give? Describe a process and get its workflow, its cost and its attempts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import streamlit as st

from orchestrator import GenerationCancelled, GenerationOptions, OrchestratorError, Overrides, read_settings
from pages.parts import console, states
from pages.parts.frame.header import header
from pages.parts.generation.details import recorded
from pages.parts.generation.latest import latest
from pages.parts.generation.links import GENERATION_PARAMETER, generation_link
from pages.parts.generation.repeat import DEFAULT_MODEL, NO_FALLBACK, differences, edit, same_options
from pages.parts.generation.view import show_generation
from pages.parts.playground import generation
from pages.parts.playground.form import form
from pages.parts.playground.rating import rating
from pages.parts.problems import problem
from pages.parts.words import escaped
from queries.errors import QueryError
from queries.records.stored import StoredGeneration, find_generation
from store import StoreError

_NOT_YET = (
    "This generation is not recorded yet; you see what this console knows about it. It is kept and will be recorded as "
    "soon as the database is available."
)
_LOST = "This workflow could not be saved anywhere. Download it now: it is lost when this console stops."


def start(prompt: str, services: list[str], agent_id: str | None, options: GenerationOptions) -> None:
    """Start a generation unless this page's is still running, and put it into the page's address."""
    current = opened()
    if current and (begun := generation.known(current, console.caller().user_id)) and begun.running:
        return
    try:
        begun = generation.begin(
            console.application(), prompt, services, agent_id, options, user_id=console.caller().user_id
        )
    except (OrchestratorError, StoreError) as error:
        st.session_state["playground_rejected"] = str(error)
        return
    st.query_params[GENERATION_PARAMETER] = str(begun.generation_id)
    st.session_state.pop("playground_rejected", None)


def begin() -> None:
    """Start a generation from the values in the form."""
    state: Any = st.session_state
    chosen = Overrides(
        primary=None if state.playground_primary == DEFAULT_MODEL else state.playground_primary,
        fallback=None if state.playground_fallback in (DEFAULT_MODEL, NO_FALLBACK) else state.playground_fallback,
        fallback_enabled={DEFAULT_MODEL: None, NO_FALLBACK: False}.get(state.playground_fallback, True),
    )
    fault = state.get("playground_fault")
    options = GenerationOptions(overrides=None if chosen == Overrides() else chosen, primary_fault=fault or None)
    start(state.playground_prompt, state.playground_services, state.playground_agent.strip() or None, options)


def again(stored: StoredGeneration) -> None:
    """Generate the same request again, in the same way, linked to the generation it replaces."""
    start(stored.prompt, stored.services, stored.agent_id, same_options(stored))


def opened() -> UUID | None:
    """The generation in the page's address; None if there is none or it is not a valid ID."""
    try:
        return UUID(st.query_params.get(GENERATION_PARAMETER, ""))
    except ValueError:
        return None


@st.fragment(run_every=0.5)
def watch(begun: generation.StartedGeneration) -> None:
    """The progress of a generation, until it has ended."""
    if not begun.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/progress_activity: {begun.sentence()}")
        st.button("Cancel", on_click=begun.cancel)
    for step in begun.steps():
        st.markdown(f"- {escaped(step['operation'])}")


def _recorded(generation_id: UUID) -> StoredGeneration | None:
    """The generation as recorded; None if the database does not know it or fails, which is then shown as an error."""
    try:
        return find_generation(application.person(), generation_id)
    except (QueryError, StoreError) as error:
        problem(error)
        return None


def _again(stored: StoredGeneration) -> None:
    """The buttons that repeat or edit a generation, and what would be different from then."""
    with st.container(horizontal=True):
        st.button("Generate again", icon=":material/refresh:", on_click=again, args=(stored,))
        st.button("Edit and run", icon=":material/edit:", on_click=edit, args=(stored,))
    keys = states.read(lambda: read_settings(application.person()))
    for sentence in differences(stored, simulated=application.simulated, version=keys.version):
        st.caption(f":material/info: {sentence}")


def _show_stored(stored: StoredGeneration) -> None:
    show_generation(recorded(stored))
    if stored.status == "running":
        return
    rating(application, stored)
    if stored.replaces_generation_id:
        st.markdown(f"It replaces [an earlier generation]({generation_link(stored.replaces_generation_id)}).")
    if not stored.erased_at:
        _again(stored)


def show(generation_id: UUID, begun: generation.StartedGeneration | None) -> None:
    """The opened generation: its progress while it runs, then its record."""
    if begun and begun.running:
        watch(begun)
        return
    if begun and (error := begun.error()):
        if not isinstance(error, OrchestratorError | StoreError):
            raise error
        if isinstance(error, GenerationCancelled):  # on request
            st.info(f"{error} What it spent is recorded.", icon=":material/stop_circle:")
        else:
            problem(error)
    stored = _recorded(generation_id)
    if begun and (stored is None or stored.status == "running") and (unrecorded := begun.unrecorded()):
        st.info(_LOST if begun.error() else _NOT_YET, icon=":material/outbox:")
        show_generation(unrecorded)
    elif stored:
        _show_stored(stored)
    elif not begun:
        st.warning("This generation does not exist, or it belongs to someone else.", icon=":material/search_off:")


top = header()
application = top.application
chosen = opened()
under_way = generation.known(chosen, top.caller.user_id) if chosen else None
form(begin, simulated=application.simulated, running=bool(under_way and under_way.running))
if refused := st.session_state.get("playground_rejected"):
    st.warning(escaped(refused), icon=":material/edit:")
if chosen:
    show(chosen, under_way)
elif GENERATION_PARAMETER in st.query_params:
    st.warning("The address has no valid generation ID. Describe a process above.", icon=":material/link_off:")
latest(application.person())
