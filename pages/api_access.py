"""How does a program generate workflows and read figures? Lines to copy, and tokens."""

from __future__ import annotations

import streamlit as st

from pages.parts.api_access.lines import lines
from pages.parts.api_access.tokens import tokens
from pages.parts.frame.header import header

top = header()
lines(str(st.context.url or ""))
if top.caller.may("manage_people"):
    tokens(top.application.person())
else:
    st.caption("An admin makes the API token that a program needs.")
