"""A generation to take along: as a file, as JSON, as lines for a terminal or for Python."""

from __future__ import annotations

import json
import shlex

import streamlit as st

from pages.parts.generation.details import GenerationDetails
from store import exact_json
from store.identity import LOCAL_PERSON_ID


def take_away(generation: GenerationDetails) -> None:
    document = exact_json({"pilot_steps": generation.pilot_steps})
    with st.container(horizontal=True):
        st.download_button(
            "Download as JSON",
            document,
            f"workflow-{generation.generation_id}.json",
            "application/json",
            icon=":material/download:",
        )
    with st.expander("Copy the workflow as JSON"):
        st.code(json.dumps({"pilot_steps": generation.pilot_steps}, indent=2, ensure_ascii=False), "json", height=320)
    with st.expander("Generate it from a terminal or Python"):
        if generation.overridden:
            st.caption("This one had model overrides or a forced failure; these lines use the default models.")
        st.code(terminal_line(generation), "bash")
        st.code(python_lines(generation), "python")
    st.caption(f"Generation `{generation.generation_id}`")


def terminal_line(generation: GenerationDetails) -> str:
    """The command that generates the same request again, run from the project's folder."""
    words = [".venv/bin/python", "-m", "orchestrator", "generate", generation.prompt]
    services = ["--services", ",".join(generation.services)] if generation.services else []
    return shlex.join([*words, *services, "--json"])


def python_lines(generation: GenerationDetails) -> str:
    """A program that generates the same request again, run from the project's folder."""
    return f"""\
from orchestrator import bootstrap

application = bootstrap()
result = application.orchestrator.generate_workflow(
    user_id={LOCAL_PERSON_ID!r},
    agent_id=None,
    prompt={generation.prompt!r},
    services={list(generation.services)!r},
)
print(result.as_json())
application.close()
"""
