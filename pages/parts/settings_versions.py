"""Every earlier version of the settings, and the way back to it."""

from __future__ import annotations

import streamlit as st

from orchestrator.settings_history import Save
from pages.parts import settings
from pages.parts.settings_form import load
from pages.parts.words import moment
from store import Database


def versions(database: Database, saves: tuple[Save, ...], version: int) -> None:
    """Who changed what when, and the way back to any of it."""
    st.subheader("Earlier versions", anchor=False)
    if not saves:
        st.caption("Nothing was changed yet: these are the settings that the console came with.")
        return
    zone = st.context.timezone or "UTC"
    st.dataframe(
        [
            {
                "Version": save.version,
                "When": moment(save.changed_at, zone),
                "Who": save.changed_by,
                "What": "; ".join(settings.changes_in_words(save.changes)),
            }
            for save in saves
        ],
        hide_index=True,
        alt="The saves of the settings, newest first",
    )
    st.caption(f"Times in {zone}.")
    oldest = saves[-1]
    earlier = {f"Version {save.version}": save.values for save in saves[1:]}
    earlier["Before all of these"] = oldest.values | {key: before for key, (before, _) in oldest.changes.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Return to", list(earlier), width=260)
        st.button("Return to it", on_click=give_back, args=(database, earlier[chosen], version))


def give_back(database: Database, values: dict[str, str | bool], version: int) -> None:
    """Save an earlier version's values as a new version."""
    if saved := settings.save(database, values, expected_version=version):
        load(saved)
