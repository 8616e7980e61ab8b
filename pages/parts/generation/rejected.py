"""The latest rejected replies, each with the findings that rejected it."""

from __future__ import annotations

import streamlit as st

from pages.parts import states
from pages.parts.filters import Chosen
from pages.parts.generation.links import generation_link
from pages.parts.palette import label
from pages.parts.words import escaped, moment, spoken
from queries.records.rejected import rejected_replies
from store import Database

_SHOWN = 8


def rejected(database: Database, chosen: Chosen, model: str | None, code: str | None) -> None:
    """The replies that validation rejected, the latest first; each opens to its text and its findings."""
    with st.container(border=True):
        of_rule = f" Rejected by the rule “{spoken(code)}”" if code else ""
        st.subheader(f"What did the rejected replies say?{of_rule}", anchor=False)
        found = states.read(
            lambda: rejected_replies(
                database, chosen.period.begins, chosen.period.ends, chosen.filters, model=model, code=code, limit=_SHOWN
            )
        )
        if found.empty:
            st.caption("No rejected replies are stored for this period. Those of other systems are not stored here.")
            return
        for row in found.to_dict("records"):
            codes = ", ".join(spoken(code) for code in row["codes"] or ()) or "Rejected"
            title = f"{moment(row['at'], chosen.period.zone)} · {label(row['model'])} · {codes}"
            with st.expander(escaped(title)):
                st.caption(escaped(row["prompt"]))
                for finding in row["findings"]:
                    st.markdown(escaped(f"{finding.get('path', '$')}: {finding.get('message', '')}"))
                st.code(row["text"] or "(empty)", language="json", wrap_lines=True, height=200)
                st.markdown(f"[Open the generation]({generation_link(row['generation_id'])})")
        st.caption(f"The latest {len(found)}, times in {chosen.period.zone}.")
