"""The charts of the cost page."""

from __future__ import annotations

from decimal import Decimal

from orchestrator.models.catalogue import BASELINE
from pages.parts import charts, generators
from pages.parts.changes.marks import mark_changes, taken
from pages.parts.charts import numbers
from pages.parts.filters import Chosen
from pages.parts.generation.drill_down import answered_on, clicked_day, drill_down
from pages.parts.palette import GAIN, GREY
from pages.parts.theme import text_colour
from pages.parts.words import day, many, money
from queries.cost import CostReport
from queries.records.generations import Which
from store import Database

_STEPS = {
    "baseline": f"{BASELINE.label} alone",
    "answers": "Cheaper answers",
    "waste": "Wasted attempts",
    "both": "Cheaper answers, wasted attempts",
    "cost": "Cost",
}
_ADDS_UP = "The baseline less cheaper answers plus wasted attempts is exactly the cost."
_NOT_APART = "The wasted cost of some is unknown, so answers and waste are shown together."


def daily(report: CostReport, chosen: Chosen, person: Database) -> None:
    """Cost per day and model, with the wasted part hatched; a click shows the generations behind a bar."""
    drawn = charts.figure(y_title="US dollars per day", height=360, over=chosen.period)
    generators.spent(drawn, report.daily, chosen.unfinished)
    mark_changes(drawn, report.figures)
    clicked = taken(
        charts.show(
            drawn,
            report.daily,
            key="cost_daily",
            title="What did each day cost, and which model answered?",
            alt="Cost per day by the model that answered, with the wasted part of each",
            note="Hatched: attempts whose answer was not used. Click a bar to see the generations behind it.",
            drill=True,
        )
    )
    answered_on(person, chosen, clicked)


def bridge(report: CostReport) -> None:
    """From the baseline to the cost, in steps that add up; nothing if nothing could be compared."""
    if report.bridge.empty:
        return
    drawn = charts.figure(y_title="US dollars", showlegend=False)
    drawn.add(
        "waterfall",
        x=[charts.wrapped(_STEPS[step]) for step in report.bridge["step"]],
        y=numbers(report.bridge["usd"].tolist()),
        text=[money(usd) for usd in report.bridge["usd"]],
        measure=[{"baseline": "absolute", "cost": "total"}.get(step, "relative") for step in report.bridge["step"]],
        textposition="outside",
        textfont={"color": text_colour()},
        cliponaxis=False,
        totals={"marker": {"color": GREY}},
        increasing={"marker": {"color": GREY}},
        decreasing={"marker": {"color": GAIN}},
        connector={"line": {"color": GREY, "width": 1}},
        hovertemplate="%{x}: %{text}<extra></extra>",
    )
    drawn.axis("x", tickangle=0)
    charts.show(
        drawn,
        report.bridge,
        key="cost_bridge",
        title=_bridge_title(report.total.savings_usd),
        alt=f"From {money(report.total.baseline_usd)} with {BASELINE.label} alone to a cost of "
        f"{money(report.total.compared_cost_usd)}",
        note=f"Covers {many(report.total.compared, 'workflow')} with known cost and baseline, at equal tokens. "
        + (_ADDS_UP if "waste" in list(report.bridge["step"]) else _NOT_APART),
    )


def _bridge_title(savings_usd: Decimal | None) -> str:
    if savings_usd is not None and savings_usd < 0:
        return f"Why did it cost {money(-savings_usd)} more than {BASELINE.label} alone?"
    return f"Where do {money(savings_usd)} of savings come from?"


def cumulative(report: CostReport, chosen: Chosen, person: Database) -> None:
    """The cumulative savings, day by day; a click shows the generations of a day."""
    frame = report.savings
    drawn = charts.figure(y_title="US dollars saved so far", over=chosen.period)
    drawn.add(
        "scatter",
        x=frame["day"].tolist(),
        y=numbers(frame["cumulative_usd"].tolist()),
        mode="lines+markers",
        marker={"size": 5},
        name="Saved so far",
        fill="tozeroy",
        line={"color": GAIN},
        customdata=[[str(row["day"]), money(row["savings_usd"]), row["compared"]] for row in frame.to_dict("records")],
        hovertemplate="%{x|%a %-d %b}<br>$%{y:,.2f} so far"
        "<br>%{customdata[1]} that day, on %{customdata[2]:,} workflows<extra></extra>",
    )
    mark_changes(drawn, report.figures)
    clicked = taken(
        charts.show(
            drawn,
            frame,
            key="cost_savings",
            title="How do the savings add up?",
            alt=f"Savings compared with {BASELINE.label} alone, added up over the period",
            note="Net of waste, for workflows with known cost and baseline. Click a day to see its workflows.",
            drill=True,
        )
    )
    if clicked and (of := clicked_day(clicked[0])):
        drill_down(person, chosen, of, Which(status="completed", generator=chosen.model), f"Workflows of {day(of)}")
