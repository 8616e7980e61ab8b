"""Choices that are kept in the address, so that a link shows the same view.

The address holds the values that differ from their defaults. It is written in one go, because every write is a step in
the browser's history. Choices that several pages share go along to the next page; those of one page stay behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.parts.frame import menu

_KEPT, _IGNORED, _OWN = "filters_kept", "filters_passed_over", "filters_own"
_LONGEST_QUOTE = 40
_LONGEST_TEXT = 200


def begin() -> None:
    """Start a page's choices: none is in its address yet, none was ignored."""
    st.session_state[_IGNORED] = []
    st.session_state[_OWN] = {}
    st.session_state.setdefault(menu.ADDRESS, {})["days"] = None


def end() -> list[str]:
    """Write the address; return the invalid values that it had, as `name=value`."""
    own = st.session_state[_OWN]
    _write(st.session_state[menu.ADDRESS] | own)
    st.session_state[menu.CAME] = False
    ignored: list[str] = st.session_state[_IGNORED]
    return ignored


def differing() -> list[str]:
    """The names of the choices that differ from their defaults."""
    chosen = st.session_state.get(menu.ADDRESS, {}) | st.session_state.get(_OWN, {})
    return [name for name, text in chosen.items() if text is not None]


def reset() -> None:
    """Set every choice to its default."""
    kept = st.session_state.get(_KEPT, {})
    for name in (_KEPT, _OWN, menu.ADDRESS, *(_key(name) for name in kept)):
        st.session_state.pop(name, None)
    st.query_params.clear()


def select(
    name: str, text: str, options: Sequence[str], default: str, words: Callable[[str], str], *,
    carried: bool = True, width: int | None = None, label: bool = True,
) -> str:  # fmt: skip
    """A choice from a list.

    Args:
        words: how an option reads.
        carried: whether the choice goes along to other pages.
        width: in pixels; None for all there is.
        label: whether its label is visible.
    """
    key = prepared(name, default, default, lambda value: value if value in options else None, carried=carried)
    value: str = st.selectbox(
        text, options, key=key, format_func=words, width=width or "stretch",
        label_visibility="visible" if label else "collapsed",
    )  # fmt: skip
    keep(name, value, value, default, carried=carried)
    return value


def entry(name: str, text: str, placeholder: str, *, label: bool = True, **look: Any) -> str | None:
    """A line of text of this page alone; None while it is empty."""
    key = prepared(name, "", "", lambda value: value[:_LONGEST_TEXT], carried=False)
    value = st.text_input(
        text, key=key, placeholder=placeholder, max_chars=_LONGEST_TEXT,
        label_visibility="visible" if label else "collapsed", **look,
    ).strip()  # fmt: skip
    keep(name, value, value, "", carried=False)
    return value or None


def number(name: str, text: str, **look: Any) -> float | None:
    """A number from 0 on, of this page alone; None while it is empty."""
    key = prepared(name, None, "", _number, carried=False)
    value: float | None = st.number_input(text, key=key, min_value=0.0, value=None, placeholder="Any", **look)
    keep(name, value, "" if value is None else f"{value:.12g}", "", carried=False)
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


def prepared(
    name: str, default: Any, default_text: str, read: Callable[[str], Any], *, carried: bool = True
) -> str:  # fmt: skip
    """The key of a choice's widget, after setting its value from the address, the page before, or the default."""
    key, kept = _key(name), st.session_state.setdefault(_KEPT, {})
    # A choice missing in the address has its default, except right after a change of page: then what was chosen there
    # is kept.
    along = carried and st.session_state[menu.CAME]
    addressed = _addressed(name) or (None if along else default_text)
    value, written = kept.get(name, (default, None))
    # A value that this page has not written: a link was opened, or the browser went back.
    asked = addressed if addressed != written else None
    found = None if asked is None else default if asked == default_text else read(asked)
    if asked is not None and asked != default_text and found is None:
        st.session_state[_IGNORED].append(f"{name}={asked[:_LONGEST_QUOTE]}")
    # Assigned even if unchanged: a widget with the same key on another page would not take it over.
    st.session_state[key] = st.session_state.get(key, value) if found is None and asked != default_text else found
    return key


def keep(name: str, value: Any, text: str, default_text: str | None, *, carried: bool = True) -> None:
    """Remember a choice, and what the address will say of it; None as default text if it always says something."""
    st.session_state[_KEPT][name] = (value, text)
    st.session_state[menu.ADDRESS if carried else _OWN][name] = None if text == default_text else text


def _key(name: str) -> str:
    return f"filter_{name}"


def _addressed(name: str) -> str | None:
    """A choice's text in the address; days in it mean the custom period even if it does not name that."""
    says = st.query_params.get(name)
    return "days" if name == "period" and says is None and "days" in st.query_params else says


def _write(address: Mapping[str, str | None]) -> None:
    says = st.query_params.to_dict()
    wanted = {name: text for name, text in says.items() if name not in address}
    wanted |= {name: text for name, text in address.items() if text is not None}
    if wanted != says:
        st.query_params.from_dict(wanted)
