"""The version history of the settings; a version is restored through the form's review."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from orchestrator.settings_history import Save
from pages.parts import system_keys
from pages.parts.filters import zone
from pages.parts.settings.form import propose
from pages.parts.words import ago, escaped, many, moment
from store import clock

_SHOWN = 6


def versions(saves: tuple[Save, ...], version: int) -> None:
    """Who changed what and when, newest first; each earlier version can be restored."""
    st.subheader("Version history", anchor=False)
    if not saves:
        st.caption("No changes yet. These are the default settings.")
        return
    for save in saves[:_SHOWN]:
        _version(save, version)
    if len(saves) > _SHOWN:
        with st.expander(many(len(saves) - _SHOWN, "older version")):
            for save in saves[_SHOWN:]:
                _version(save, version)
    oldest = saves[-1]
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Before version {oldest.version}**")
        _restore_button(oldest.before, f"the settings before version {oldest.version}")
    st.caption(f"Times in {zone()}.")


def changed(saves: tuple[Save, ...], key: str) -> str:
    """Who last changed a key, and when."""
    save = next((save for save in saves if key in save.changes), None)
    if save is None:
        return "Never changed."
    return f"Changed by {escaped(save.changed_by)} {ago(save.changed_at, clock.now())}."


def _version(save: Save, version: int) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        reason = f"  \n“{escaped(save.reason)}”" if save.reason else ""
        st.markdown(
            f"**Version {save.version}** · {moment(save.changed_at, zone())} · {escaped(save.changed_by)}  \n"
            + escaped("; ".join(system_keys.changes_in_words(save.changes)))
            + reason,
            width="content",
        )
        if save.version == version:
            st.badge("Current", icon=":material/check:", color="green")
        else:
            _restore_button(save.values, f"version {save.version}")


def _restore_button(values: Mapping[str, str | bool], name: str) -> None:
    st.button(f"Restore {name}", icon=":material/undo:", on_click=propose, args=(dict(values),))
