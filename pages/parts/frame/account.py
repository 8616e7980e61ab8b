"""Who is signed in, and the way out, below the menu."""

from __future__ import annotations

import streamlit as st

from pages.parts import console
from pages.parts.leave import leave
from pages.parts.words import escaped

ROLE_LABELS = {"admin": "Admin", "pm": "Product manager", "engineer": "Engineer", "orchestrator": "Orchestrator"}
"""Each role in words."""


def signed_in_as() -> None:
    """The visitor's address and role, and the link to sign out; nothing where nobody signs in."""
    known = console.known_caller()
    if known is None or console.is_local():
        return
    with st.sidebar.container(key="account"):
        st.caption(f"{escaped(known.email or known.user_id)}  \n{ROLE_LABELS.get(known.role or '', 'No role')}")
        leave("sign-out", "Sign out")
