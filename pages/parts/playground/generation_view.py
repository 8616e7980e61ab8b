"""A generation as recorded: figures, steps, graph, attempts and rejected replies."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from orchestrator.models.catalogue import BASELINE
from orchestrator.workflow.graph import awaited, cases
from pages.parts.filters import zone
from pages.parts.palette import GENERATION_STATUS, OUTCOME_LABELS, label
from pages.parts.playground.annotated import annotated
from pages.parts.tables import listing
from pages.parts.theme import text_colour
from pages.parts.words import NONE, count, moment, money, percent, plain, seconds, spoken
from queries.generations import StoredGeneration
from store import exact_json

_PROMPT_CHARS = 400


def show_generation(run: StoredGeneration) -> None:
    """Everything about one generation."""
    status, icon, colour = GENERATION_STATUS[run.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status, icon=icon, color=colour)
        if run.simulated:
            st.badge("Simulated", icon=":material/science:", color="gray")
        if run.overridden:
            st.badge("Model overrides", icon=":material/tune:", color="violet")
        if run.sample:
            st.badge("Sample", icon=":material/auto_awesome:", color="gray")
        st.caption(f"{moment(run.started_at, zone())} ({zone()}), agent {plain(run.agent_id or NONE)}", width="content")
    _prompt(run.prompt)
    _figures(run)
    for finding in run.findings:
        if finding.severity == "warning":
            st.warning(plain(finding.message), icon=":material/warning:")
    if run.pilot_steps:
        _steps(run.pilot_steps)
    _attempts(run)
    _rejected(run)
    if run.pilot_steps:
        _take_away(run)


def _prompt(text: str) -> None:
    """The description; a long one can be expanded."""
    whole = len(text) <= _PROMPT_CHARS
    st.markdown(f"> {plain(text if whole else f'{text[:_PROMPT_CHARS]} …')}")
    if not whole:
        with st.expander("The full description"):
            st.code(text, language=None, wrap_lines=True, height=320)


def _figures(run: StoredGeneration) -> None:
    saved, baseline = run.figures.savings_usd, run.figures.baseline_cost_usd
    with st.grid(4, min_column_width=150):
        st.metric("Answered by", plain(label(run.generator_used)) if run.generator_used else NONE, border=True)
        st.metric("Cost of all attempts", money(run.cost_usd), border=True)
        st.metric(
            "Saved",
            money(saved),
            border=True,
            help=f"Compared with {money(baseline)} on {BASELINE.label} for the same tokens"
            f"{f', {percent(run.figures.savings_pct)}' if run.figures.savings_pct is not None else ''}. "
            "Negative if the wasted attempt cost more than the answer saved.",
        )
        st.metric("Time", seconds(run.duration_ms), border=True)


def _steps(steps: list[dict[str, Any]]) -> None:
    table, graph = st.tabs(["Steps", "Graph"])
    with table:
        rows = [_step_row(step) for step in steps]
        listing(rows, "The steps of the workflow in order")
        for step in steps:
            for condition, following in cases(step):
                st.caption(plain(f"{step['id']}: {condition} → {following}"))
    with graph:
        st.graphviz_chart(dot(steps, text_colour()), width="content")


def _step_row(step: dict[str, Any]) -> dict[str, str]:
    return {
        "Step": step["id"],
        "What it does": step["operation"],
        "Service": str(step.get("service") or NONE),
        "Kind": spoken(step["step_type"]),
        "After": ", ".join(map(str, awaited(step))) or NONE,
    }


def dot(steps: list[dict[str, Any]], shade: str) -> str:
    """The steps as a Graphviz graph: boxes, diamonds for conditionals, branches dashed with their condition.

    Args:
        shade: the colour of lines and words.
    """
    colours = f'color="{shade}", fontcolor="{shade}"'
    lines = [
        "digraph {",
        "rankdir=TB; bgcolor=transparent",
        f'node [shape=box, style=rounded, fontname="sans-serif", fontsize=11, {colours}]',
        f"edge [{colours}]",
    ]
    branched = [(step["id"], following) for step in steps for _, following in cases(step)]
    for step in steps:
        shape = ", shape=diamond, style=solid" if step["step_type"] == "conditional" else ""
        service = f"\n{step['service']}" if step.get("service") else ""
        lines.append(f"{_quoted(step['id'])} [label={_quoted(step['operation'] + service)}{shape}]")
        for before in awaited(step):
            if (before, step["id"]) not in branched:
                lines.append(f"{_quoted(before)} -> {_quoted(step['id'])}")
        for condition, following in cases(step):
            arrow = f"{_quoted(step['id'])} -> {_quoted(following)}"
            lines.append(f"{arrow} [label={_quoted(condition)}, style=dashed, fontsize=10]")
    return "\n".join([*lines, "}"])


def _quoted(text: object) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def _attempts(run: StoredGeneration) -> None:
    st.subheader("What it took", anchor=False)
    if not run.attempts:
        st.caption("No model was asked." if run.status != "running" else "The attempts are recorded at the end.")
        return
    rows = [
        {
            "Model": label(attempt.model),
            "Outcome": OUTCOME_LABELS.get(attempt.outcome, attempt.outcome),
            "Details": spoken(attempt.detail) or NONE,
            "Tokens": f"{'about ' if attempt.tokens_estimated else ''}{count(attempt.tokens['total'])}",
            "Cost": money(attempt.cost_usd),
            "Time": seconds(attempt.duration_ms),
            "API model": attempt.api_model,
        }
        for attempt in run.attempts
    ]
    listing(rows, "The attempts: outcome, tokens, cost and time")


def _rejected(run: StoredGeneration) -> None:
    for rejected in run.rejected_outputs:
        model = label(run.attempts[rejected.attempt].model)
        with st.expander(f"What {plain(model)} answered, and why it was rejected"):
            findings = [
                finding.model_dump()
                for finding in run.findings
                if finding.attempt == rejected.attempt and finding.severity == "error"
            ]
            for found in findings:
                st.markdown(plain(f"{found['path']}: {found['message']}"))
            st.code(annotated(rejected.text or "(empty)", findings), language=None, wrap_lines=True, height=320)


def _take_away(run: StoredGeneration) -> None:
    document = exact_json({"pilot_steps": run.pilot_steps})
    with st.container(horizontal=True):
        st.download_button(
            "Download as JSON",
            document,
            f"workflow-{run.generation_id}.json",
            "application/json",
            icon=":material/download:",
        )
    with st.expander("Copy the workflow as JSON"):
        st.code(json.dumps({"pilot_steps": run.pilot_steps}, indent=2, ensure_ascii=False), "json", height=320)
    with st.expander("Generate it from a terminal or Python"):
        services = ",".join(run.services)
        st.code(f"python -m orchestrator generate {_shell(run.prompt)} --services {_shell(services)} --json", "bash")
        call = f"prompt={run.prompt!r}, services={run.services!r}"
        st.code(f"application.orchestrator.generate_workflow(user_id=..., agent_id=None, {call})", "python")
    st.caption(f"Generation `{run.generation_id}`")


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
