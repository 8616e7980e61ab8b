"""The three system keys as a form: edited, reviewed, and saved on top of the version they were loaded from."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from orchestrator import InvalidSettings, OrchestratorSettings
from orchestrator.models.catalogue import CATALOGUE, counterpart, named, same_answers
from orchestrator.settings import ENABLE_FALLBACK_KEY, FALLBACK_KEY, PRIMARY_KEY, setting_value
from pages.parts import settings
from pages.parts.words import plain
from store import Database, clock

PRIMARY, FALLBACK, ENABLED, PROPOSED = (
    "configuration_primary",
    "configuration_fallback",
    "configuration_enabled",
    "configuration_proposed",
)
Changes = dict[str, tuple[str | bool, str | bool]]
"""Each key with its value before and after."""


def load(current: OrchestratorSettings) -> None:
    """Show these settings in the form, and base the next save on them."""
    st.session_state[settings.FORM_BASE] = current
    st.session_state[PRIMARY], st.session_state[FALLBACK] = current.primary, current.fallback
    st.session_state[ENABLED] = current.fallback_enabled


def current_base(stored: OrchestratorSettings) -> OrchestratorSettings:
    """The settings that the form was loaded from: always the stored ones, until something is edited in the form."""
    base: OrchestratorSettings | None = st.session_state.get(settings.FORM_BASE)
    if base is None or PRIMARY not in st.session_state:
        load(stored)
        _take_proposal()
        return stored
    if base.version != stored.version and not _edited(base):
        load(stored)
        return stored
    return base


def _take_proposal() -> None:
    """Put the values that another page proposed into the form for review; warn about those that are not available."""
    proposed = st.session_state.pop(settings.PROPOSAL, None)
    if proposed is None:
        return
    widgets = {PRIMARY_KEY: PRIMARY, FALLBACK_KEY: FALLBACK, ENABLE_FALLBACK_KEY: ENABLED}
    for key, stored in proposed.items():
        if key in widgets:
            try:
                value = setting_value(key, stored)
                st.session_state[widgets[key]] = named(value).name if isinstance(value, str) else value
            except InvalidSettings:
                was = f"{settings.LABELS[key]} was {settings.spoken(key, stored)}, which is no longer available"
                st.warning(f"{plain(was)}. The current value is kept.", icon=":material/block:")
    st.session_state[PROPOSED] = True


def _edited(base: OrchestratorSettings) -> Changes:
    draft = {
        PRIMARY_KEY: st.session_state[PRIMARY],
        FALLBACK_KEY: st.session_state[FALLBACK],
        ENABLE_FALLBACK_KEY: st.session_state[ENABLED],
    }
    return {key: (before, draft[key]) for key, before in base.values().items() if before != draft[key]}


def suggest_fallback() -> None:
    """Suggest the other vendor's model as fallback for a newly chosen primary; it can still be changed."""
    if primary := CATALOGUE.get(st.session_state[PRIMARY]):
        st.session_state[FALLBACK] = counterpart(primary).name


def form(base: OrchestratorSettings, changed: Callable[[str], str]) -> Changes:
    """Draw the form of the three keys; return what differs from `base`.

    Args:
        changed: gives a sentence on who last changed a key, and when.
    """
    names = list(dict.fromkeys([*CATALOGUE, base.primary, base.fallback]))
    left, right = st.columns(2)
    with left:
        st.selectbox(
            "Primary model", names, format_func=settings.choice, key=PRIMARY, on_change=suggest_fallback,
            help="Asked first. A cheap model answers most requests; when it fails, both calls cost money.",
        )  # fmt: skip
        st.caption(changed(PRIMARY_KEY))
        st.toggle("Ask the fallback model when the primary model fails", key=ENABLED)
        st.caption(changed(ENABLE_FALLBACK_KEY))
    with right:
        st.selectbox(
            "Fallback model", names, format_func=settings.choice, key=FALLBACK,
            disabled=not st.session_state[ENABLED],
            help="Asked after a validation failure, an API error, a timeout or a rate limit of the primary model.",
        )  # fmt: skip
        st.caption(changed(FALLBACK_KEY))
        if not st.session_state[ENABLED]:
            st.caption("Off: if the first attempt fails, the generation fails.")
        elif same_answers(st.session_state[PRIMARY], st.session_state[FALLBACK], clock.now().date()):
            st.caption("The same model answers for both, so there is only one attempt.")
    return _edited(base)


def save(database: Database, changes: Changes, version: int) -> None:
    """Save the reviewed changes on top of the version they were made on."""
    if saved := settings.save(database, {key: after for key, (_, after) in changes.items()}, expected_version=version):
        load(saved)


def review(database: Database, base: OrchestratorSettings, changes: Changes, by: str | None) -> None:
    """What a save will change, with its button; or a conflict if somebody else has saved meanwhile."""
    if by is not None:
        st.warning(f"{plain(by)} has changed the settings since you opened this page.", icon=":material/sync_problem:")
        st.button("Load the current settings", on_click=lambda: st.session_state.pop(settings.FORM_BASE))
        return
    proposed = st.session_state.pop(PROPOSED, False)
    if not changes:
        if proposed:
            st.info("Nothing to revert: the settings already have these values.", icon=":material/check:")
        return
    with st.container(border=True):
        st.markdown(
            "**This will change**\n" + "".join(f"\n- {plain(line)}" for line in settings.changes_in_words(changes))
        )
        label = f"Save {len(changes)} change{'s' if len(changes) > 1 else ''}"
        with st.container(horizontal=True):
            st.button(label, type="primary", on_click=save, args=(database, changes, base.version))
            st.button("Discard", on_click=load, args=(base,))
