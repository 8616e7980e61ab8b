"""Undoing a change in place: what that means, a reason, and one press; or why it cannot be done here."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from orchestrator import InvalidSettings, OrchestratorSettings, read_settings
from orchestrator.models.catalogue import named
from orchestrator.system_keys import SYSTEM_KEYS
from pages.parts import console, states, system_keys
from pages.parts.changes.consequences import consequences
from pages.parts.words import escaped
from queries.changes import Change
from store import Database


def undo(person: Database, change: Change) -> None:
    """The review of the undo with its button."""
    if change.prompt_version is not None:
        st.caption(
            ":material/info: A prompt version comes with a release of the orchestrator; undoing it takes another."
        )
        return
    if not console.may("change_settings"):
        return
    keys = states.read(lambda: read_settings(person))
    try:
        values = values_before(change)
    except InvalidSettings as error:
        st.caption(f":material/block: This cannot be undone: {escaped(error)}")
        return
    current = keys.values()
    differing = {key: value for key, value in values.items() if current.get(key) != value}
    if not differing:
        st.badge("Already undone: the keys have these values now", icon=":material/check:", color="gray")
        return
    _review(person, keys, differing, change.id)


def _review(person: Database, keys: OrchestratorSettings, values: Mapping[str, str | bool], change: str) -> None:
    current = keys.values()
    lines = system_keys.changes_in_words({key: (current[key], value) for key, value in values.items()})
    with st.container(border=True):
        st.markdown("**This will change**\n" + "".join(f"\n- {escaped(line)}" for line in lines))
        for sentence in consequences(person, keys, values):
            st.markdown(f":material/arrow_forward: {escaped(sentence)}")
        reason = f"undo_reason_{change}"
        system_keys.reason_entry(reason)
        # A callback: a press that comes with a new session, after the old one was lost, must not save.
        st.button(
            "Undo", type="primary", icon=":material/undo:", key=f"undo_{change}",
            on_click=_undo, args=(person, values, keys.version, reason),
        )  # fmt: skip


def _undo(person: Database, values: Mapping[str, str | bool], version: int, reason: str) -> None:
    """Save the earlier values; the drawer then says what came of it."""
    said = system_keys.reason_in(reason)
    if system_keys.save(person, values, expected_version=version, reason=said):
        # The form would take this save for somebody else's.
        st.session_state.pop(system_keys.FORM_BASE, None)


def values_before(change: Change) -> dict[str, str | bool]:
    """The values of the keys before the change.

    Raises:
        InvalidSettings: one of them is no longer available.
    """
    found: dict[str, str | bool] = {}
    for name, (before, _) in system_keys.pairs(change.keys).items():
        if name in SYSTEM_KEYS:
            key = SYSTEM_KEYS[name]
            found[name] = key.default if before is None else key.value(before)
            if key.kind == "model":
                named(str(found[name]))
    return found
