"""The latest refused answers, each with what refused it."""

from __future__ import annotations

import streamlit as st

from pages.parts import states
from pages.parts.filters import Chosen
from pages.parts.palette import label
from pages.parts.past_runs import run_link
from pages.parts.words import moment, plain, spoken
from queries.behind import rejected_answers
from store import Database

_SHOWN = 8


def rejected(database: Database, chosen: Chosen, model: str | None, code: str | None) -> None:
    """What models answered and validation refused, the latest first; each opens to the text and its findings."""
    with st.container(border=True):
        of_rule = f" Refused by the rule “{spoken(code)}”" if code else ""
        st.subheader(f"What did the refused answers say?{of_rule}", anchor=False)
        found = states.read(
            lambda: rejected_answers(
                database, chosen.period.begins, chosen.period.ends, chosen.filters, model=model, code=code, limit=_SHOWN
            )
        )
        if found.empty:
            st.caption("No refused answer is stored for this period. Those of other systems are not kept here.")
            return
        for row in found.to_dict("records"):
            codes = ", ".join(spoken(code) for code in row["codes"] or ()) or "Refused"
            title = f"{moment(row['at'], chosen.period.zone)} · {label(row['model'])} · {codes}"
            with st.expander(plain(title)):
                st.caption(plain(row["prompt"]))
                for finding in row["findings"]:
                    st.markdown(plain(f"{finding.get('path', '$')}: {finding.get('message', '')}"))
                st.code(row["text"] or "(nothing)", language="json", wrap_lines=True, height=200)
                st.markdown(f"[Open the run]({run_link(row['generation_id'])})")
        st.caption(f"The latest {len(found)}, times in {chosen.period.zone}.")
