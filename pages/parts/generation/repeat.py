"""Asking again: exactly the same, or edited in the playground."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from orchestrator import GenerationOptions, Overrides
from pages.parts.palette import label
from queries.records.stored import Options, StoredGeneration

DEFAULT_MODEL = "Default"
NO_FALLBACK = "None: one attempt only"


def overrides(options: Options) -> str:
    """The models chosen for a generation only: `GPT-6 Luna first, no fallback`."""
    said = []
    if options.primary:
        said.append(f"{label(options.primary)} first")
    if options.fallback_enabled is False:
        said.append("no fallback")
    elif options.fallback:
        said.append(f"fallback {label(options.fallback)}")
    return ", ".join(said) or "Model overrides"


def same_options(stored: StoredGeneration) -> GenerationOptions:
    """The options with which a generation is repeated exactly, replacing it."""
    asked = stored.options
    chosen = Overrides(asked.primary, asked.fallback, asked.fallback_enabled)
    return GenerationOptions(
        overrides=None if chosen == Overrides() else chosen,
        primary_fault=asked.forced_fault,
        replaces_generation_id=stored.generation_id,
    )


def differences(stored: StoredGeneration, *, simulated: bool, version: int) -> Iterator[str]:
    """What would be different if a generation were repeated now; nothing if it would be the same.

    Args:
        simulated: whether models are simulated now.
        version: of the current settings.
    """
    if stored.simulated and not simulated:
        yield "It asked simulated models; now real ones are asked, and paid for."
        if stored.options.forced_fault:
            yield "Its forced failure is not repeated: only simulated models can be made to fail."
    if simulated and not stored.simulated:
        yield "It asked real models; now they are simulated."
    if stored.overridden and stored.options == Options():
        yield "The models it was asked with are not recorded; the default models are asked."
    elif stored.config_version is not None and stored.config_version != version:
        yield f"The settings have changed since, from version {stored.config_version} to {version}."


def edit(stored: StoredGeneration) -> None:
    """Fill the playground's form with a generation's request and options, to be changed and run."""
    asked, state = stored.options, st.session_state
    state["playground_prompt"] = stored.prompt
    state["playground_services"] = list(stored.services)
    state["playground_agent"] = stored.agent_id or ""
    state["playground_primary"] = asked.primary or DEFAULT_MODEL
    state["playground_fallback"] = NO_FALLBACK if asked.fallback_enabled is False else asked.fallback or DEFAULT_MODEL
    state["playground_fault"] = asked.forced_fault or ""
