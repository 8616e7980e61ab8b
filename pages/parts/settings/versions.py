"""The version history of the settings, with a button to restore each version."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from orchestrator.settings_history import Save
from pages.parts import system_keys
from pages.parts.filters import zone
from pages.parts.settings.form import load
from pages.parts.words import ago, escaped, many, moment
from store import Database, clock

_SHOWN = 6


def versions(database: Database, saves: tuple[Save, ...], version: int) -> None:
    """Who changed what and when, newest first; each earlier version can be restored."""
    st.subheader("Version history", anchor=False)
    if not saves:
        st.caption("No changes yet. These are the default settings.")
        return
    for save in saves[:_SHOWN]:
        _version(database, save, version)
    if len(saves) > _SHOWN:
        with st.expander(many(len(saves) - _SHOWN, "older version")):
            for save in saves[_SHOWN:]:
                _version(database, save, version)
    oldest = saves[-1]
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Before version {oldest.version}**")
        _return_button(database, oldest.before, version, f"the settings before version {oldest.version}")
    st.caption(f"Times in {zone()}.")


def changed(saves: tuple[Save, ...], key: str) -> str:
    """Who last changed a key, and when."""
    save = next((save for save in saves if key in save.changes), None)
    if save is None:
        return "Never changed."
    return f"Changed by {escaped(save.changed_by)} {ago(save.changed_at, clock.now())}."


def _version(database: Database, save: Save, version: int) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f"**Version {save.version}** · {moment(save.changed_at, zone())} · {escaped(save.changed_by)}  \n"
            + escaped("; ".join(system_keys.changes_in_words(save.changes))),
            width="content",
        )
        if save.version == version:
            st.badge("Current", icon=":material/check:", color="green")
        else:
            _return_button(database, save.values, version, f"version {save.version}")


def _return_button(database: Database, values: Mapping[str, str | bool], version: int, name: str) -> None:
    st.button(
        f"Restore {name}",
        icon=":material/undo:",
        on_click=restore,
        args=(database, values, version),
    )


def restore(database: Database, values: dict[str, str | bool], version: int) -> None:
    """Save an earlier version's values as a new version."""
    if saved := system_keys.save(database, values, expected_version=version):
        load(saved)
