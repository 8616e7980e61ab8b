"""Turning the pages of a long list: each begins after the last row of the one before, so new rows move nothing."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

import streamlit as st

from pages.parts.words import count

PAGE = 50
"""How many rows a page has."""

Place = TypeVar("Place")


class Paging(Generic[Place]):
    """Where the visitor is in a list.

    Args:
        key: tells the lists of the console apart.
        asked: what the list shows; when it changes, the visitor is on the first page again.
    """

    def __init__(self, key: str, asked: Hashable) -> None:
        places, wanted = f"{key}_places", f"{key}_for"
        if st.session_state.get(wanted) != asked:
            st.session_state[wanted], st.session_state[places] = asked, []
        self._places: list[Place] = st.session_state[places]
        self._key = key

    @property
    def after(self) -> Place | None:
        """The last row of the page before; None on the first page."""
        return self._places[-1] if self._places else None

    def turn(self, last: Place | None, shown: int, *, older: bool) -> None:
        """The buttons, if there is more than one page.

        Args:
            last: the place of the last row shown.
            older: whether there is a page after this one.
        """
        if not (self._places or older):
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Newer", icon=":material/chevron_left:", disabled=not self._places, on_click=self._newer,
                key=f"{self._key}_newer",
            )  # fmt: skip
            if older and last is not None:
                st.button(
                    "Older", icon=":material/chevron_right:", on_click=self._places.append, args=(last,),
                    key=f"{self._key}_older",
                )  # fmt: skip
            before = len(self._places) * PAGE
            st.caption(f"{count(before + 1)} to {count(before + shown)}")

    def _newer(self) -> None:
        self._places.pop()
