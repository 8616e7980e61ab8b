"""The steps of a workflow as a table and as a graph."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

import streamlit as st

from orchestrator.workflow.graph import awaited, cases
from pages.parts.palette import service_colour
from pages.parts.tables import listing
from pages.parts.theme import text_colour
from pages.parts.words import NONE, escaped, spoken

_LABEL_CHARS = 24
_NEW_LINE = "\n"


def steps_shown(steps: Sequence[dict[str, Any]]) -> None:
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
    """The steps as a Graphviz graph: boxes framed in their service's colour, diamonds for conditionals,
    branches dashed with their condition.

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
    services = list(dict.fromkeys(str(step["service"]) for step in steps if step.get("service")))
    branched = [(step["id"], following) for step in steps for _, following in cases(step)]
    for step in steps:
        shape = ", shape=diamond, style=solid" if step["step_type"] == "conditional" else ""
        service = str(step.get("service") or "")
        words = [*textwrap.wrap(step["operation"], _LABEL_CHARS), *([service] if service else [])]
        border = f', color="{service_colour(services.index(service))}", penwidth=2' if service else ""
        lines.append(f"{_quoted(step['id'])} [label={_quoted(_NEW_LINE.join(words))}{shape}{border}]")
        for before in awaited(step):
            if (before, step["id"]) not in branched:
                lines.append(f"{_quoted(before)} -> {_quoted(step['id'])}")
        for condition, following in cases(step):
            arrow = f"{_quoted(step['id'])} -> {_quoted(following)}"
            lines.append(f"{arrow} [label={_quoted(condition)}, style=dashed, fontsize=10]")
    return "\n".join([*lines, "}"])


def _quoted(text: object) -> str:
    return json.dumps(str(text), ensure_ascii=False)
