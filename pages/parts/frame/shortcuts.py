"""Single keys that open pages, and their list."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame import menu

_KEYS = "1234567890"
SEARCH_KEY, LIST_KEY = "Ctrl+K", "H"
# Streamlit takes letters and digits; people press ? for such a list.
_QUESTION_MARK = """
<script>
window.listShortcuts ??= document.addEventListener("keydown", event => {
  if (event.key === "?" && !event.target.closest("input, textarea, [contenteditable]"))
    document.querySelector(".st-key-list_shortcuts button")?.click();
}) ?? true;
</script>
"""


def listen() -> None:
    """Let each page's key open it. The buttons that hear the keys are not visible."""
    with st.sidebar.container(key="shortcuts"):
        st.html(_QUESTION_MARK, unsafe_allow_javascript=True)
        for key, entry in _keyed():
            if st.button(f"Open {entry.title}", key=f"shortcut_{key}", shortcut=key):
                st.switch_page(entry.file)
    if st.sidebar.button(
        "Keyboard shortcuts", icon=":material/keyboard:", type="tertiary", shortcut=LIST_KEY, key="list_shortcuts"
    ):
        _listed()


def _keyed() -> list[tuple[str, menu.PageEntry]]:
    """The pages that have a key, with it; a page keeps its key for everybody."""
    return [(key, entry) for key, entry in zip(_KEYS, menu.PAGES, strict=False) if entry.offered]


@st.dialog("Keyboard shortcuts")
def _listed() -> None:
    keys = [(SEARCH_KEY, "Search pages, actions and generations")]
    keys += [(key, entry.title) for key, entry in _keyed()]
    keys += [("Esc", "Close a drawer or a dialog"), ("R", "Reload the data"), (f"? or {LIST_KEY}", "This list")]
    st.table({"Key": [key for key, _ in keys], "What it does": [words for _, words in keys]})
