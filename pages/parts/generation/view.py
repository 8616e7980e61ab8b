"""A generation as recorded: figures, steps, graph, attempts and rejected replies."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

import streamlit as st

from orchestrator.models.catalogue import BASELINE
from orchestrator.workflow.graph import awaited, cases
from pages.parts.filters import zone
from pages.parts.generation.annotated import annotated
from pages.parts.generation.details import GenerationDetails
from pages.parts.palette import GENERATION_STATUS, OUTCOME_LABELS, label
from pages.parts.tables import listing
from pages.parts.theme import text_colour
from pages.parts.words import NONE, count, escaped, moment, money, percent, seconds, spoken
from store import exact_json
from store.identity import LOCAL_PERSON_ID

_PROMPT_CHARS = 400


def show_generation(generation: GenerationDetails) -> None:
    """Everything about one generation."""
    status, icon, colour = GENERATION_STATUS[generation.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status, icon=icon, color=colour)
        if generation.simulated:
            st.badge("Simulated", icon=":material/science:", color="gray")
        if generation.overridden:
            st.badge("Model overrides", icon=":material/tune:", color="violet")
        if generation.sample:
            st.badge("Sample", icon=":material/auto_awesome:", color="gray")
        st.caption(
            f"{moment(generation.started_at, zone())} ({zone()}), agent {escaped(generation.agent_id or NONE)}",
            width="content",
        )
    _prompt(generation.prompt)
    _figures(generation)
    for finding in generation.findings:
        if finding.severity == "warning":
            st.warning(escaped(finding.message), icon=":material/warning:")
    if generation.pilot_steps:
        _steps(generation.pilot_steps)
    _attempts(generation)
    _rejected(generation)
    if generation.pilot_steps:
        _take_away(generation)


def _prompt(text: str) -> None:
    """The description; a long one can be expanded."""
    whole = len(text) <= _PROMPT_CHARS
    st.markdown(f"> {escaped(text if whole else f'{text[:_PROMPT_CHARS]} …')}")
    if not whole:
        with st.expander("The full description"):
            st.code(text, language=None, wrap_lines=True, height=320)


def _figures(generation: GenerationDetails) -> None:
    saved, baseline = generation.savings_usd, generation.baseline_cost_usd
    with st.grid(4, min_column_width=150):
        st.metric(
            "Answered by", escaped(label(generation.generator_used)) if generation.generator_used else NONE, border=True
        )
        st.metric("Cost of all attempts", money(generation.cost_usd), border=True)
        st.metric(
            "Saved",
            money(saved),
            border=True,
            help=f"Compared with {money(baseline)} on {BASELINE.label} for the same tokens"
            f"{f', {percent(generation.savings_pct)}' if generation.savings_pct is not None else ''}. "
            "Negative if the wasted attempt cost more than the answer saved.",
        )
        st.metric("Time", seconds(generation.duration_ms), border=True)


def _steps(steps: Sequence[dict[str, Any]]) -> None:
    table, graph = st.tabs(["Steps", "Graph"])
    with table:
        rows = [_step_row(step) for step in steps]
        listing(rows, "The steps of the workflow in order")
        for step in steps:
            for condition, following in cases(step):
                st.caption(escaped(f"{step['id']}: {condition} → {following}"))
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


def dot(steps: Sequence[dict[str, Any]], shade: str) -> str:
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


def _attempts(generation: GenerationDetails) -> None:
    st.subheader("What it took", anchor=False)
    if not generation.attempts:
        st.caption("No model was asked." if generation.status != "running" else "The attempts are recorded at the end.")
        return
    rows = [
        {
            "Model": label(attempt.model),
            "Outcome": OUTCOME_LABELS.get(attempt.outcome, attempt.outcome),
            "Details": spoken(attempt.detail) or NONE,
            "Tokens": f"{'about ' if attempt.tokens_estimated else ''}{count(attempt.tokens)}",
            "Cost": money(attempt.cost_usd),
            "Time": seconds(attempt.duration_ms),
            "API model": attempt.api_model,
        }
        for attempt in generation.attempts
    ]
    listing(rows, "The attempts: outcome, tokens, cost and time")


def _rejected(generation: GenerationDetails) -> None:
    for number, text in generation.rejected.items():
        model = label(generation.attempts[number].model)
        findings = [each for each in generation.findings if each.attempt == number and each.severity == "error"]
        with st.expander(f"What {escaped(model)} answered, and why it was rejected"):
            for found in findings:
                st.markdown(escaped(f"{found.path}: {found.message}"))
            notes = [{"path": found.path, "message": found.message} for found in findings]
            st.code(annotated(text or "(empty)", notes), language=None, wrap_lines=True, height=320)


def _take_away(generation: GenerationDetails) -> None:
    document = exact_json({"pilot_steps": generation.pilot_steps})
    with st.container(horizontal=True):
        st.download_button(
            "Download as JSON",
            document,
            f"workflow-{generation.generation_id}.json",
            "application/json",
            icon=":material/download:",
        )
    with st.expander("Copy the workflow as JSON"):
        st.code(json.dumps({"pilot_steps": generation.pilot_steps}, indent=2, ensure_ascii=False), "json", height=320)
    with st.expander("Generate it from a terminal or Python"):
        if generation.overridden:
            st.caption("This one had model overrides or a forced failure; these lines use the default models.")
        st.code(terminal_line(generation), "bash")
        st.code(python_lines(generation), "python")
    st.caption(f"Generation `{generation.generation_id}`")


def terminal_line(generation: GenerationDetails) -> str:
    """The command that generates the same request again, run from the project's folder."""
    words = [".venv/bin/python", "-m", "orchestrator", "generate", generation.prompt]
    services = ["--services", ",".join(generation.services)] if generation.services else []
    return shlex.join([*words, *services, "--json"])


def python_lines(generation: GenerationDetails) -> str:
    """A program that generates the same request again, run from the project's folder."""
    return f"""\
from orchestrator import bootstrap

application = bootstrap()
result = application.orchestrator.generate_workflow(
    user_id={LOCAL_PERSON_ID!r},
    agent_id=None,
    prompt={generation.prompt!r},
    services={list(generation.services)!r},
)
print(result.as_json())
application.close()
"""
