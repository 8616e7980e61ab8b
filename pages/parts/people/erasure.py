"""Erasing what people typed and models wrote: of one person, or of everybody after some days."""

from __future__ import annotations

import streamlit as st

from pages.parts import states
from pages.parts.results import tell
from pages.parts.words import many
from store import Database, InvalidInput, StoreError
from store.texts import erase_texts, set_text_retention, text_retention

_WHO, _SURE, _DAYS = "erasure_who", "erasure_sure", "erasure_days"


def erasure(person: Database) -> None:
    """The two ways to erase. All figures and events stay: they hold no text."""
    st.subheader("Prompts and outputs", anchor=False)
    st.caption(
        "Erasing removes what people typed and models wrote. Every figure and every event stays. It can't be undone."
    )
    kept = states.read(lambda: text_retention(person))
    with st.grid(2, min_column_width=320):
        with st.form("retention", border=True):
            st.number_input(
                "Erase automatically after days", value=kept, min_value=1, max_value=36_500, step=1, key=_DAYS,
                placeholder="Never", help="Leave it empty to keep texts for ever.",
            )  # fmt: skip
            st.form_submit_button("Save the days", on_click=_keep, args=(person,))
        with st.form("erase", border=True, clear_on_submit=True):
            st.text_input(
                "Erase everything of", key=_WHO, placeholder="User ID, or the platform's ID of its user", max_chars=200
            )
            st.checkbox("I know that this can't be undone", key=_SURE)
            st.form_submit_button("Erase", icon=":material/delete_forever:", on_click=_erase, args=(person,))


def _keep(person: Database) -> None:
    days = st.session_state[_DAYS]
    try:
        set_text_retention(person, None if days is None else int(days))
    except StoreError as error:
        tell(error)
        return
    tell(f"Texts are kept for {many(int(days), 'day')}." if days else "Texts are kept for ever.")


def _erase(person: Database) -> None:
    who, sure = str(st.session_state[_WHO]).strip(), st.session_state[_SURE]
    if not (who and sure):
        tell(InvalidInput("Nothing was erased: say whose texts, and confirm it."))
        return
    try:
        erased = erase_texts(person, who)
    except StoreError as error:
        tell(error)
        return
    tell(f"Erased the texts of {many(erased, 'generation')}.")
