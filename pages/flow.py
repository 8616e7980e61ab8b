"""What happens to a request, and how often does it take each path?"""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from orchestrator import Application, OrchestratorSettings, read_settings
from orchestrator.models.catalogue import BASELINE
from pages.parts import states
from pages.parts.filters import bar, reset_filters
from pages.parts.flow.chart import flow_chart, paths
from pages.parts.frame.header import header
from pages.parts.left_out import left_out
from pages.parts.system_keys import answers_as, without_key
from pages.parts.words import escaped, many, money, overridden, percent, share
from queries.flow import Flow, read_flow
from queries.tally import Tally
from store import clock


def steps(application: Application, keys: OrchestratorSettings, flow: Flow) -> list[tuple[str, str, str, str]]:
    """The steps in order: title, description, the page with more details, and the text of its link."""
    return [
        (
            "1 · A request arrives",
            "Someone describes a process and names the connected services. Both are checked before anything is spent.",
            "playground.py", "Try it",
        ),
        (
            "2 · The three system keys are read",
            f"Each request reads one snapshot, now version {keys.version}. A change applies from the next request on.",
            "settings.py", "Change them",
        ),
        ("3 · The models are asked", _asked(application, keys, flow.total), "fallbacks.py", "See why it fell back"),
        ("4 · The reply is validated", _validated(flow.total), "quality.py", "See how good the models are"),
        ("5 · Everything is priced", _priced(flow), "cost.py", "See what it costs"),
        (
            "6 · The result is recorded",
            "One transaction writes the generation, its audit events and the counters behind these pages. "
            f"{many(flow.ended, 'generation')} ended in this period.",
            "overview.py", "See the overview",
        ),
    ]  # fmt: skip


def _asked(application: Application, keys: OrchestratorSettings, total: Tally) -> str:
    primary, fallback = escaped(answers_as(keys.primary)), escaped(answers_as(keys.fallback))
    two = keys.has_second(clock.now().date())
    second = f"**{fallback}** is asked when it fails" if two else "there is no fallback"
    rate = total.as_configured.fallback
    measured = [f"{share(rate)} fell back"] if rate.whole else []
    if total.savings_usd is not None:
        measured.append(_compared(total.savings_usd, total.savings_pct))
    of_late = f" In this period, {', and '.join(measured)}." if measured else ""
    asked = (keys.primary, keys.fallback) if two else (keys.primary,)
    warnings = (without_key(application, name) for name in asked)
    lacking = "".join(f" {escaped(warning)}" for warning in warnings if warning)
    return f"**{primary}** is asked first; {second}.{lacking} Each reply is validated while it streams.{of_late}"


def _compared(savings_usd: Decimal, savings_pct: Decimal | None) -> str:
    amount = f"{money(abs(savings_usd))} ({percent(None if savings_pct is None else abs(savings_pct))})"
    if savings_usd < 0:
        return f"it cost {amount} more than {BASELINE.label} alone"
    return f"{amount} was saved compared with {BASELINE.label} alone"


def _validated(total: Tally) -> str:
    rate = total.as_configured.success
    ended = f" {share(rate)} ended with a valid workflow." if rate.whole else ""
    return f"Its schema, references, cycles and services are checked.{ended}"


def _priced(flow: Flow) -> str:
    spent = f"{money(flow.total.cost_usd)} for completed generations, {money(flow.total.cost_failed_usd)} for the rest"
    return "Every attempt is priced by its tokens, wasted ones included" + (f": {spent}." if flow.paths else ".")


top = header()
person = top.application.person()
chosen = bar(top.controls, with_model=False)
keys = states.read(lambda: read_settings(person))
flow = states.read(lambda: read_flow(person, chosen.period, chosen.filters))
with st.grid(3, min_column_width=240):
    for title, text, page, link in steps(top.application, keys, flow):
        with st.container(border=True, height="stretch", gap="small"):
            st.markdown(f"**{title}**")
            st.markdown(text)
            st.page_link(page, label=link, icon=":material/arrow_forward:")
if flow.paths:
    flow_chart(flow)
    paths(flow, chosen, person)
    left_out(flow.total, flow.figures.undated, chosen, person)
    alone = flow.total.overridden
    if alone:
        st.caption(f":material/info: {overridden(alone)}: included in the flow and the cost, not in any rate.")
else:
    states.empty(person, sentence="No request ended in this period with these filters.", reset=reset_filters())
