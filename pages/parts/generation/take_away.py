"""A generation to take along: as a file, as JSON, as lines for a terminal or for Python."""

from __future__ import annotations

import json
import shlex

import streamlit as st

from orchestrator import Overrides
from pages.parts import console
from pages.parts.generation.details import GenerationDetails
from store import exact_json


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
        st.code(terminal_line(generation), "bash")
        st.code(python_lines(generation), "python")
    st.caption(f"Generation `{generation.generation_id}`")


def terminal_line(generation: GenerationDetails) -> str:
    """The command that generates the same request again, run from the project's folder."""
    words = [".venv/bin/python", "-m", "orchestrator", "generate", generation.prompt]
    asked = generation.options
    if generation.services:
        words += ["--services", ",".join(generation.services)]
    if generation.agent_id:
        words += ["--agent-id", generation.agent_id]
    if asked.primary:
        words += ["--primary", asked.primary]
    if asked.fallback_enabled is False:
        words += ["--no-fallback"]
    elif asked.fallback:
        words += ["--fallback", asked.fallback]
    if asked.forced_fault:
        words += ["--force-failure", asked.forced_fault]
    return shlex.join([*words, "--json"])


def python_lines(generation: GenerationDetails) -> str:
    """A program that generates the same request again, run from the project's folder."""
    asked = generation.options
    chosen = Overrides(asked.primary, asked.fallback, asked.fallback_enabled)
    options = [f"overrides={chosen!r}"] if chosen != Overrides() else []
    options += [f"primary_fault={asked.forced_fault!r}"] if asked.forced_fault else []
    names = ["GenerationOptions"] * bool(options) + ["Overrides"] * (chosen != Overrides()) + ["bootstrap"]
    given = f"\n    options=GenerationOptions({', '.join(options)})," if options else ""
    return f"""\
from orchestrator import {", ".join(names)}

application = bootstrap()
result = application.orchestrator.generate_workflow(
    user_id={console.caller().user_id!r},
    agent_id={generation.agent_id!r},
    prompt={generation.prompt!r},
    services={list(generation.services)!r},{given}
)
print(result.as_json())
application.close()
"""
