"""The paths of requests as a flow whose widths show the traffic."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import charts, tables
from pages.parts.filters import Chosen
from pages.parts.generation.drill_down import drill_down
from pages.parts.palette import GREY, REASON_COLOURS, REASON_LABELS, colour, label, mark
from pages.parts.theme import text_colour
from pages.parts.words import NONE, count, inline, money, percent, seconds, share
from queries.flow import Flow, FlowPath, merged
from queries.records.generations import UNKNOWN, Which
from store import Database

_ENDS = {"completed": "Completed", "failed": "Failed", "cancelled": "Cancelled"}


class _Nodes:
    """Boxes by column and name, in order of first use."""

    def __init__(self) -> None:
        self.boxes: list[tuple[int, str]] = []
        self.colours: list[str] = []
        self.links: dict[tuple[int, int], tuple[str, list[FlowPath]]] = {}

    def at(self, column: int, name: str, fill: str) -> int:
        if (column, name) not in self.boxes:
            self.boxes.append((column, name))
            self.colours.append(fill)
        return self.boxes.index((column, name))

    def join(self, begin: int, end: int, path: FlowPath, fill: str) -> None:
        _, paths = self.links.get((begin, end), (fill, []))
        self.links[begin, end] = (fill, [*paths, path])


def flow_chart(flow: Flow) -> None:
    """Those that went straight through in a sentence, and the flow of the others: beside them it would be hairlines."""
    others = flow.others
    straight = flow.straight
    if straight:
        st.markdown(
            f":material/check_circle: **{share(flow.share(straight))} requests** went straight through: the model that "
            "was asked first answered."
        )
    if not others.paths:
        return
    nodes = _Nodes()
    for path in others.paths:
        _add(nodes, path)
    links = [merged(paths) for _, paths in nodes.links.values()]
    drawn = charts.figure(y_title="", height=420, margin={"l": 8, "r": 8, "t": 16, "b": 28})
    drawn.add(
        "sankey",
        arrangement="snap",
        textfont={
            "color": text_colour(),
            "size": 13,
            "shadow": "none",
        },
        node={
            "label": [charts.wrapped(name) for _, name in nodes.boxes],
            "color": nodes.colours,
            "pad": 24,
            "thickness": 14,
            "hovertemplate": "%{label}: %{value:,}<extra></extra>",
        },
        link={
            "source": [begin for begin, _ in nodes.links],
            "target": [end for _, end in nodes.links],
            "value": [link.generations for link in links],
            "color": [_faint(fill) for fill, _ in nodes.links.values()],
            "customdata": [_words(flow, link) for link in links],
            "hovertemplate": "%{source.label} → %{target.label}<br>%{customdata}<extra></extra>",
        },
    )
    charts.show(
        drawn, _frame(others), key="flow", title=f"Which paths did the other {count(others.ended)} take?",
        alt=f"The paths of {count(others.ended)} requests that did not go straight through",
        note="Left to right: the primary model, why it failed, the fallback, the end. If no model gave a workflow, "
        "only the primary model and the end are drawn. Widths show traffic; hover for share, cost and time.",
    )  # fmt: skip


def paths(flow: Flow, chosen: Chosen, person: Database) -> None:
    """Every path in a row with share, cost and time; selecting one shows the generations that took it."""
    rows = [
        {
            "Primary model": label(path.primary),
            "Fallback reason": REASON_LABELS[path.reason] if path.reason else NONE,
            "Answered by": label(path.generator) if path.generator else NONE,
            "Status": _ENDS[path.status],
            "Requests": count(path.generations),
            "Share": percent(flow.share(path).pct),
            "Cost": money(path.cost_usd),
            "Average time": seconds(path.average_ms),
        }
        for path in flow.paths
    ]
    place = tables.table(
        rows, _frame(flow), key="flow_ways", title="Every path with its share, cost and time",
        note="Select a row to see its generations.", drill=True,
    )  # fmt: skip
    if place is not None:
        path = flow.paths[place]
        which = Which(path.status, path.primary or UNKNOWN, path.generator or UNKNOWN, path.reason or "none")
        reason = f", {inline(REASON_LABELS[path.reason])}" if path.reason else ""
        drill_down(
            person, chosen, None, which, f"{label(path.primary)} asked first{reason}: {inline(_ENDS[path.status])}"
        )


def _add(nodes: _Nodes, path: FlowPath) -> None:
    request = nodes.at(0, "Requests", GREY)
    first = nodes.at(1, mark(path.primary), colour(path.primary))
    end = nodes.at(4, _ENDS[path.status], GREY)
    nodes.join(request, first, path, colour(path.primary))
    if path.reason is None:
        nodes.join(first, end, path, colour(path.primary) if path.status == "completed" else GREY)
        return
    reason = nodes.at(2, REASON_LABELS[path.reason], REASON_COLOURS[path.reason])
    second = nodes.at(3, mark(path.generator), colour(path.generator))
    nodes.join(first, reason, path, REASON_COLOURS[path.reason])
    nodes.join(reason, second, path, REASON_COLOURS[path.reason])
    nodes.join(second, end, path, colour(path.generator))


def _words(flow: Flow, link: FlowPath) -> str:
    whole = f"{count(link.generations)} of {count(flow.ended)} ({percent(flow.share(link).pct)})"
    cost = "cost unknown" if link.cost_usd is None else f"{money(link.cost_usd)} in total"
    time = "" if link.average_ms is None else f", {seconds(link.average_ms)} on average"
    return f"{whole}<br>{cost}{time}"


def _frame(flow: Flow) -> pd.DataFrame:
    records = [
        (path.primary, path.reason, path.generator, path.status, path.generations, flow.share(path).pct, path.cost_usd)
        for path in flow.paths
    ]
    columns = ["primary_model", "fallback_reason", "generator", "status", "generations", "share_pct", "cost_usd"]
    return pd.DataFrame(records, columns=columns, dtype=object)


def _faint(fill: str) -> str:
    red, green, blue = (int(fill[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.35)"
