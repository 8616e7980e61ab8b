"""Shared by the pages that change the system keys: names, choices, and saving with a message about the result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import streamlit as st

from orchestrator import Application, OrchestratorError, OrchestratorSettings, read_settings, save_settings
from orchestrator.models.catalogue import BASELINE, CATALOGUE, Model, answering
from orchestrator.models.pricing import per_workflow
from orchestrator.system_keys import PRIMARY, SYSTEM_KEYS
from pages.parts import console
from pages.parts.frame.lost_press import DOUBLE_CLICK_S
from pages.parts.results import tell
from pages.parts.words import unit_price
from store import Conflict, Database, StoreError, clock

_WARN_AHEAD = timedelta(days=90)
_PRESSED = "settings_pressed"
FORM_BASE = "settings_form_base"
"""Session key of the settings that the configuration form was loaded from; without it, the form is loaded again."""


def choice(name: str) -> str:
    """A model with its price per workflow, as an option in a list."""
    model = CATALOGUE.get(name)
    if model is None:
        return f"{name} (unknown)"
    return f"{model.label} · {unit_price(per_workflow(model, clock.now()))} per workflow"


def label(key: str) -> str:
    """A system key's display name; any other key as it is."""
    return SYSTEM_KEYS[key].label if key in SYSTEM_KEYS else key


def spoken(key: str, value: Any) -> str:
    """A value in words."""
    if value is None:
        return "not set"
    if key in SYSTEM_KEYS and SYSTEM_KEYS[key].kind == "switch":
        return "on" if value is True else "off" if value is False else str(value)
    return CATALOGUE[value].label if isinstance(value, str) and value in CATALOGUE else str(value)


def changes_in_words(changes: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """One line for each change: `Primary model: GPT-4o mini → Claude Sonnet 4`."""
    return [f"{label(key)}: {spoken(key, before)} → {spoken(key, after)}" for key, (before, after) in changes.items()]


def pairs(changes: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Before and after of each key, from the changes of an audit event; entries of any other form are left out."""
    return {
        key: (change.get("before"), change.get("after")) for key, change in changes.items() if isinstance(change, dict)
    }


def reason_entry(key: str) -> None:
    """A field for why something is changed; `reason_in` reads it."""
    st.text_input("Reason (optional)", key=key, max_chars=200, help="Kept in the audit log with the change.")


def reason_in(key: str) -> str | None:
    """What was written into the field of this session key; None if nothing was."""
    return str(st.session_state.get(key, "")).strip() or None


def lifecycle(model: Model) -> str | None:
    """That a model is retired or soon will be; None while its retirement is far off or unknown."""
    today = clock.now().date()
    if model.retires_on is None or model.retires_on > today:
        return ends(model)
    return f"{model.label} was retired on {model.retires_on}; {answering(model, today).label} answers in its place."


def ends(model: Model) -> str | None:
    """That a model will be retired soon, and its successor; None if it already is, or if that is far off or unknown."""
    today = clock.now().date()
    if model.retires_on is None or not today < model.retires_on <= today + _WARN_AHEAD:
        return None
    heir, days = answering(model, model.retires_on), (model.retires_on - today).days
    return f"{model.label} shuts down on {model.retires_on}, in {days} days; then {heir.label} answers in its place."


def save(
    database: Database, values: Mapping[str, str | bool], *, expected_version: int | None, reason: str | None = None
) -> OrchestratorSettings | None:
    """Save and return the settings; None if that failed, which the next run then shows."""
    try:
        saved = _saved(database, values, expected_version, reason)
    except (OrchestratorError, StoreError) as error:
        tell(error)
        return None
    tell(f"Saved. Version {saved.version} applies from the next generation.")
    return saved


def _saved(
    database: Database, values: Mapping[str, str | bool], expected_version: int | None, reason: str | None = None
) -> OrchestratorSettings:
    before = st.session_state.get(_PRESSED)
    st.session_state[_PRESSED] = pressed = (dict(values), time.monotonic())
    try:
        return save_settings(database, values, expected_version=expected_version, reason=reason)
    except Conflict:
        # The second click of a double-click finds the version that the first one saved.
        if before is None or before[0] != pressed[0] or pressed[1] - before[1] > DOUBLE_CLICK_S:
            raise
        return read_settings(database)


def restore(database: Database, values: Mapping[str, str | bool]) -> None:
    """Save these values, whatever the current ones are."""
    save(database, values, expected_version=None)


def roll_back(application: Application, opened: str) -> None:
    """What rolling back means, and the button that does it.

    Args:
        opened: the session key of the popover to close, so that it does not cover the message.
    """
    st.markdown(
        f"From the next generation on, **{BASELINE.label}** is the primary model in every process. Each "
        f"workflow then costs about {unit_price(per_workflow(BASELINE, clock.now()))}. The fallback "
        f"does not change: if it is also {BASELINE.label}, there is no second model to fall back to."
    )
    if warning := without_key(application, BASELINE.name):
        st.warning(warning, icon=":material/key_off:")
    st.button(
        f"Roll back to {BASELINE.label}",
        type="primary",
        icon=":material/undo:",
        on_click=_roll_back,
        args=(opened,),
        key=f"roll_back_{opened}",
    )


def _roll_back(opened: str) -> None:
    """Make Claude the primary model from the next generation on, whatever else has changed meanwhile."""
    st.session_state[opened] = False
    if save(console.at_hand().person(), {PRIMARY.name: BASELINE.name}, expected_version=None):
        # The form would take this save for somebody else's.
        st.session_state.pop(FORM_BASE, None)


def answers_as(name: str) -> str:
    """A model's display name, and which model answers in its place if it is retired."""
    model = CATALOGUE.get(name)
    if model is None:
        return name
    heir = answering(model, clock.now().date())
    return model.label if heir == model else f"{model.label} (answered by {heir.label})"


def without_key(application: Application, name: str) -> str | None:
    """A sentence that this process cannot ask a model; None if it can, or if the model is unknown."""
    model = CATALOGUE.get(name)
    key = application.orchestrator.missing_key(model) if model else None
    return f"{key} is not set, so this console cannot ask {model.label}." if model and key else None
