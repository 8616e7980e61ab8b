"""API tokens: made, shown once, listed, revoked."""

from __future__ import annotations

import streamlit as st

from pages.parts import states
from pages.parts.events_link import events_by
from pages.parts.results import tell
from pages.parts.words import ago, count, escaped
from store import Database, StoreError, clock
from store.api_tokens import SCOPES, USUAL_PER_MINUTE, ApiToken, list_api_tokens, make_api_token, revoke_api_token

_NAME, _SCOPES, _LIMIT, _MADE = "token_name", "token_scopes", "token_limit", "token_made"


def tokens(person: Database) -> None:
    """The form for a new token, and all that there are."""
    st.subheader("API tokens", anchor=False)
    _show_once()
    with st.expander("Make a token", icon=":material/key:"), st.form("make_token", border=False):
        st.text_input("Name", key=_NAME, max_chars=100, placeholder="The program that uses it")
        st.multiselect("Scopes", list(SCOPES), default=["generate"], format_func=_scope, key=_SCOPES)
        st.number_input("Requests a minute", min_value=1, max_value=100_000, value=USUAL_PER_MINUTE, step=1, key=_LIMIT)
        st.form_submit_button("Make it", type="primary", on_click=_make, args=(person,))
    found = states.read(lambda: list_api_tokens(person))
    if not found:
        st.caption("No token yet. A program needs one to call these routes.")
    for token in found:
        _line(person, token)


def _scope(name: str) -> str:
    return f"{name}: {SCOPES[name]}"


def _make(person: Database) -> None:
    state = st.session_state
    try:
        secret = make_api_token(person, state[_NAME], state[_SCOPES], int(state[_LIMIT]))
    except StoreError as error:
        tell(error)
        return
    state[_MADE] = secret
    state[_NAME] = ""


def _show_once() -> None:
    """The new token, this once."""
    if made := st.session_state.pop(_MADE, None):
        with st.container(border=True):
            st.markdown("**Copy the token now.** It is kept only as a hash and is never shown again.")
            st.code(made, language=None, wrap_lines=True)


def _line(person: Database, token: ApiToken) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        by = f" by {escaped(token.created_by)}" if token.created_by else ""
        used = f"last used {ago(token.last_used_at, clock.now())}" if token.last_used_at else "never used yet"
        said = [
            f"`{token.hint}…`",
            ", ".join(token.scopes),
            f"{count(token.requests_per_minute)} requests a minute",
            f"made {ago(token.created_at, clock.now())}{by}",
            used,
            events_by(f"token:{token.token_id}", "All it did"),
        ]
        st.markdown(f"**{escaped(token.name)}**  \n:small[{' · '.join(filter(None, said))}]", width="content")
        if token.revoked_at:
            st.badge(f"Revoked {ago(token.revoked_at, clock.now())}", icon=":material/block:", color="gray")
            return
        st.button(
            "Revoke", icon=":material/block:", key=f"revoke_{token.token_id}", on_click=_revoke,
            args=(person, token.token_id), help="At once and for good.",
        )  # fmt: skip


def _revoke(person: Database, token_id: str) -> None:
    try:
        revoke_api_token(person, token_id)
    except StoreError as error:
        tell(error)
