"""The paths of requests as a flow whose widths show the traffic."""

from __future__ import annotations

import pandas as pd

from pages.parts import charts, tables
from pages.parts.behind import behind
from pages.parts.filters import Chosen
from pages.parts.palette import GREY, REASON_COLOURS, REASON_LABELS, colour, label, mark
from pages.parts.theme import text_colour
from pages.parts.words import NONE, count, inline, money, percent, seconds
from queries.behind import UNKNOWN, Which
from queries.flow import Flow, Way, together
from store import Database

_ENDS = {"completed": "Completed", "failed": "Failed", "cancelled": "Cancelled"}


class _Nodes:
    """Boxes by column and name, in order of first use."""

    def __init__(self) -> None:
        self.boxes: list[tuple[int, str]] = []
        self.colours: list[str] = []
        self.links: dict[tuple[int, int], tuple[str, list[Way]]] = {}

    def at(self, column: int, name: str, fill: str) -> int:
        if (column, name) not in self.boxes:
            self.boxes.append((column, name))
            self.colours.append(fill)
        return self.boxes.index((column, name))

    def join(self, begin: int, end: int, way: Way, fill: str) -> None:
        _, ways = self.links.get((begin, end), (fill, []))
        self.links[begin, end] = (fill, [*ways, way])


def flow_chart(flow: Flow) -> None:
    """The flow, with share, cost and time on every branch."""
    nodes = _Nodes()
    for way in flow.ways:
        _add(nodes, way)
    links = [together(ways) for _, ways in nodes.links.values()]
    drawn = charts.figure(y_title="", height=420)
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
        drawn, _frame(flow), key="flow", title="Which paths did the requests take?",
        alt=f"The paths of {count(flow.ended)} requests from the first model to their end",
        note="Left to right: the primary model, why it failed, the fallback, the end. If no model gave a workflow, "
        "only the primary model and the end are drawn. Widths show traffic; hover for share, cost and time.",
    )  # fmt: skip


def ways(flow: Flow, chosen: Chosen, person: Database) -> None:
    """Every path in a row with share, cost and time; selecting one shows the generations that took it."""
    rows = [
        {
            "Primary model": label(way.primary),
            "Fallback reason": REASON_LABELS[way.reason] if way.reason else NONE,
            "Answered by": label(way.generator) if way.generator else NONE,
            "Status": _ENDS[way.outcome],
            "Requests": count(way.generations),
            "Share": percent(flow.share(way).pct),
            "Cost": money(way.cost_usd),
            "Average time": seconds(way.average_ms),
        }
        for way in flow.ways
    ]
    place = tables.table(
        rows, _frame(flow), key="flow_ways", title="Every path with its share, cost and time",
        note="Select a row to see its generations.", drill=True,
    )  # fmt: skip
    if place is not None:
        way = flow.ways[place]
        which = Which(way.outcome, way.primary or UNKNOWN, way.generator or UNKNOWN, way.reason or "none")
        reason = f", {inline(REASON_LABELS[way.reason])}" if way.reason else ""
        behind(person, chosen, None, which, f"{label(way.primary)} asked first{reason}: {inline(_ENDS[way.outcome])}")


def _add(nodes: _Nodes, way: Way) -> None:
    request = nodes.at(0, "Requests", GREY)
    first = nodes.at(1, mark(way.primary), colour(way.primary))
    end = nodes.at(4, _ENDS[way.outcome], GREY)
    nodes.join(request, first, way, colour(way.primary))
    if way.reason is None:
        nodes.join(first, end, way, colour(way.primary) if way.outcome == "completed" else GREY)
        return
    reason = nodes.at(2, REASON_LABELS[way.reason], REASON_COLOURS[way.reason])
    second = nodes.at(3, mark(way.generator), colour(way.generator))
    nodes.join(first, reason, way, REASON_COLOURS[way.reason])
    nodes.join(reason, second, way, REASON_COLOURS[way.reason])
    nodes.join(second, end, way, colour(way.generator))


def _words(flow: Flow, link: Way) -> str:
    whole = f"{count(link.generations)} of {count(flow.ended)} ({percent(flow.share(link).pct)})"
    cost = "cost unknown" if link.cost_usd is None else f"{money(link.cost_usd)} in total"
    time = "" if link.average_ms is None else f", {seconds(link.average_ms)} on average"
    return f"{whole}<br>{cost}{time}"


def _frame(flow: Flow) -> pd.DataFrame:
    records = [
        (way.primary, way.reason, way.generator, way.outcome, way.generations, flow.share(way).pct, way.cost_usd)
        for way in flow.ways
    ]
    columns = ["primary_model", "fallback_reason", "generator", "outcome", "generations", "share_pct", "cost_usd"]
    return pd.DataFrame(records, columns=columns, dtype=object)


def _faint(fill: str) -> str:
    red, green, blue = (int(fill[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.35)"
