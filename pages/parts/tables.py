"""Small tables on cards, and figures as files."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import streamlit as st


def table(
    rows: list[dict[str, Any]],
    frame: pd.DataFrame,
    *,
    key: str,
    title: str,
    note: str | None = None,
    drill: bool = False,
) -> int | None:
    """A small table on a card, with its figures as CSV.

    Args:
        rows: as the screen writes them.
        frame: the same with all their digits.
        drill: whether choosing a row is of use.

    Returns:
        The place of the row that was chosen; None for none.
    """
    with st.container(border=True):
        st.subheader(title, anchor=False)
        chosen = _listed(rows, f"table_{key}", title, drill=drill)
        with st.container(horizontal=True, wrap=False, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(note or "", width="stretch")
            download(frame, key)
    return chosen[0] if chosen else None


def download(frame: pd.DataFrame, name: str) -> None:
    """A button that saves a table as CSV."""
    st.download_button(
        "CSV", csv(frame), f"{name}.csv", "text/csv", key=f"csv_{name}", icon=":material/download:", type="tertiary",
        help="Save exactly what is shown",
    )  # fmt: skip


def csv(frame: pd.DataFrame) -> str:
    """A table as CSV; a text that a spreadsheet would take for a formula is quoted with an apostrophe."""
    return frame.map(
        lambda value: f"'{value}" if isinstance(value, str) and re.match(r"[=+\-@\t\r]", value) else value
    ).to_csv(index=False)


def _listed(rows: list[dict[str, Any]], key: str, alt: str, *, drill: bool) -> list[int]:
    """The places of the rows that were chosen; none where choosing is of no use."""
    if not drill:
        st.dataframe(rows, hide_index=True, height="content", alt=alt)
        return []
    listed = st.dataframe(
        rows, hide_index=True, height="content", alt=alt, key=key, on_select="rerun", selection_mode="single-row"
    )
    return list(listed["selection"]["rows"])
