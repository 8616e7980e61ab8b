"""Tables, and figures as files."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from pages.parts import drawer
from pages.parts.words import NONE
from queries.spreadsheet import as_csv, guarded, is_amount

_TALL_ROWS = 18
TALL_PX = 640
"""The height of a long list."""


def tall(rows: int) -> Literal["content"] | int:
    """The height of a list with this many rows: no taller than it needs to be."""
    return "content" if rows < _TALL_ROWS else TALL_PX


OPEN: dict[str, ColumnConfig] = {
    "Open": st.column_config.LinkColumn("Open", display_text=":material/open_in_new:", width="small")
}
"""A column of links to generations."""


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
        drill: whether rows can be selected.

    Returns:
        The index of the row that was just selected or that the address names; None if there is none.
    """
    with st.container(border=True, height="stretch"):
        st.subheader(title, anchor=False)
        chosen = listing(rows, title, key=f"table_{key}" if drill else None)
        if drill:
            chosen = _opened(rows, key, chosen)
        with st.container(horizontal=True, wrap=False, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(note or "", width="stretch")
            download(frame, key)
    return chosen


def _opened(rows: list[dict[str, Any]], key: str, chosen: int | None) -> int | None:
    """The row whose drawer is open: the one that was just selected, or that the address names."""
    figures = amounts(rows)
    names = [f"{key}~{' · '.join(str(row[name]) for name in row if name not in figures)}" for row in rows]
    wanted = drawer.named(drawer.MARK_PARAMETER, None if chosen is None else names[chosen], by=key)
    return names.index(wanted) if wanted in names else None


def listing(
    rows: list[dict[str, Any]],
    alt: str,
    *,
    columns: Mapping[str, ColumnConfig] | None = None,
    height: Literal["auto", "content"] | int = "content",
    key: str | None = None,
) -> int | None:
    """Rows as the screen writes them, amounts aligned to the right.

    Args:
        columns: settings of columns that are not plain text.
        height: `content` shows every row, `auto` ten at a time; or in pixels.
        key: given if rows can be selected.

    Returns:
        The index of the selected row; None if none is.
    """
    rows = [{name: guarded(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows]
    figures = amounts(rows)
    shown = {name: st.column_config.Column(alignment="right") for name in figures} | dict(columns or {})
    if key is None:
        st.dataframe(rows, hide_index=True, height=height, column_config=shown, alt=alt)
        return None
    chosen = st.dataframe(
        rows, hide_index=True, height=height, column_config=shown, alt=alt,
        key=f"{drawer.widget_key(key)}_{_same(rows, figures)}", on_select="rerun", selection_mode="single-row",
    )["selection"]["rows"]  # fmt: skip
    if not chosen:
        return None
    drawer.clicked(key)
    return int(chosen[0])


def _same(rows: list[dict[str, Any]], figures: list[str]) -> str:
    """A hash of the rows without their figures: a selection must not move to another row with the same index."""
    return str(zlib.crc32(repr([[row[name] for name in row if name not in figures] for row in rows]).encode()))


def amounts(rows: list[dict[str, Any]]) -> list[str]:
    """The columns in which every known value is an amount: money, a count, a share or a time."""
    known = {name: [str(row[name]) for row in rows if row[name] != NONE] for name in (rows[0] if rows else ())}
    return [name for name, values in known.items() if values and all(map(is_amount, values))]


def download(frame: pd.DataFrame, name: str) -> None:
    """A button that saves a table as CSV, generated when it is pressed."""
    st.download_button(
        "CSV", partial(as_csv, frame), f"{name}.csv", "text/csv", key=f"csv_{name}", icon=":material/download:",
        type="tertiary", help="Save exactly what is shown", on_click="ignore",
    )  # fmt: skip
