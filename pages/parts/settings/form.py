"""The three system keys as a form: edited, reviewed, and saved on top of the version they were loaded from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from orchestrator import OrchestratorSettings
from orchestrator.models.catalogue import CATALOGUE, counterpart, same_answers
from orchestrator.system_keys import ENABLE_FALLBACK, FALLBACK, PRIMARY, SYSTEM_KEYS, SystemKey
from pages.parts import console, system_keys
from pages.parts.changes.consequences import consequences
from pages.parts.words import escaped
from store import Database, clock

PROPOSED, _REASON = "settings_form_proposed", "settings_form_reason"


@dataclass(frozen=True, slots=True)
class Stored:
    """The settings as they are in the database, and who saved them last."""

    settings: OrchestratorSettings
    by: str


Changes = dict[str, tuple[str | bool, str | bool]]
"""Each key with its value before and after."""


def load(current: OrchestratorSettings) -> None:
    """Show these settings in the form, and base the next save on them."""
    st.session_state[system_keys.FORM_BASE] = current
    for name, value in current.values().items():
        st.session_state[_widget(SYSTEM_KEYS[name])] = value


def _widget(key: SystemKey) -> str:
    """The session key of a system key's widget."""
    return f"settings_form_{key.field}"


def _draft(key: SystemKey) -> str | bool:
    """What the form holds for a system key."""
    value: str | bool = st.session_state[_widget(key)]
    return value


def current_base(stored: OrchestratorSettings) -> OrchestratorSettings:
    """The settings that the form was loaded from: always the stored ones, until something is edited in the form."""
    base: OrchestratorSettings | None = st.session_state.get(system_keys.FORM_BASE)
    if base is None or _widget(PRIMARY) not in st.session_state:
        load(stored)
        return stored
    if base.version != stored.version and not _edited(base):
        load(stored)
        return stored
    return base


def drafted_models() -> list[str]:
    """The models that the form holds, the primary one first."""
    return [str(_draft(key)) for key in SYSTEM_KEYS.values() if key.kind == "model"]


def _edited(base: OrchestratorSettings) -> Changes:
    drafts = {name: (before, _draft(SYSTEM_KEYS[name])) for name, before in base.values().items()}
    return {name: (before, draft) for name, (before, draft) in drafts.items() if before != draft}


def suggest_fallback() -> None:
    """Suggest the other vendor's model as fallback for a newly chosen primary; it can still be changed."""
    if primary := CATALOGUE.get(str(_draft(PRIMARY))):
        st.session_state[_widget(FALLBACK)] = counterpart(primary).name


def form(base: OrchestratorSettings, changed: Callable[[str], str]) -> Changes:
    """Draw the form of the three keys; return what differs from `base`.

    Args:
        changed: gives a sentence on who last changed a key, and when.
    """
    names = list(dict.fromkeys([*CATALOGUE, base.primary, base.fallback]))
    for key in SYSTEM_KEYS.values():
        value, about = st.columns([3, 2], vertical_alignment="bottom")
        with value:
            _field(key, names)
        with about:
            st.caption(changed(key.name))
            if note := _note(key):
                st.caption(note)
    return _edited(base)


def _field(key: SystemKey, names: list[str]) -> None:
    fixed = not console.may("change_settings")
    if key.kind == "switch":
        st.toggle(key.instruction, key=_widget(key), disabled=fixed)
        return
    st.selectbox(
        key.label, names, format_func=system_keys.choice, key=_widget(key), help=key.effect,
        on_change=suggest_fallback if key == PRIMARY else None,
        disabled=fixed or (key == FALLBACK and not _draft(ENABLE_FALLBACK)),
    )  # fmt: skip


def _note(key: SystemKey) -> str:
    """What the drafted value means, where that is worth a sentence."""
    if key.kind == "switch" and not _draft(key):
        return key.effect
    primary, fallback = str(_draft(PRIMARY)), str(_draft(FALLBACK))
    if key == FALLBACK and _draft(ENABLE_FALLBACK) and same_answers(primary, fallback, clock.now().date()):
        return "The same model answers for both, so there is only one attempt."
    return ""


def save(database: Database, changes: Changes, version: int) -> None:
    """Save the reviewed changes, with their reason, on top of the version they were made on."""
    values = {key: after for key, (_, after) in changes.items()}
    if saved := system_keys.save(database, values, expected_version=version, reason=system_keys.reason_in(_REASON)):
        load(saved)


def propose(values: Mapping[str, str | bool]) -> None:
    """Put earlier values into the form, to be reviewed and saved like any change."""
    for name, value in values.items():
        st.session_state[_widget(SYSTEM_KEYS[name])] = value
    st.session_state[PROPOSED] = True


def review(database: Database, base: OrchestratorSettings, changes: Changes, stored: Stored) -> None:
    """What a save will change and what follows from that, with its button; or a conflict to resolve first."""
    if base.version != stored.settings.version:
        _conflict(stored)
        return
    proposed = st.session_state.pop(PROPOSED, False)
    if not changes:
        if proposed:
            st.info("Nothing to revert: the settings already have these values.", icon=":material/check:")
        return
    with st.container(border=True):
        st.markdown(
            "**This will change**\n" + "".join(f"\n- {escaped(line)}" for line in system_keys.changes_in_words(changes))
        )
        for sentence in consequences(database, base, {key: after for key, (_, after) in changes.items()}):
            st.markdown(f":material/arrow_forward: {escaped(sentence)}")
        system_keys.reason_entry(_REASON)
        label = f"Save {len(changes)} change{'s' if len(changes) > 1 else ''}"
        with st.container(horizontal=True):
            st.button(label, type="primary", on_click=save, args=(database, changes, base.version))
            st.button("Discard", on_click=load, args=(base,))


def _conflict(stored: Stored) -> None:
    sentence = f"{escaped(stored.by)} has changed the settings since you opened this page."
    st.warning(sentence, icon=":material/sync_problem:")
    with st.container(horizontal=True):
        st.button("Take theirs", on_click=load, args=(stored.settings,), help="Discard what you edited.")
        st.button("Keep mine", on_click=_rebase, args=(stored.settings,), help="Review your values against theirs.")


def _rebase(onto: OrchestratorSettings) -> None:
    st.session_state[system_keys.FORM_BASE] = onto
