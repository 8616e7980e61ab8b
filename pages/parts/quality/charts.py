"""The charts and tables of the quality page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import charts, generators, tables
from pages.parts.cards import Card, aim, standing
from pages.parts.changes.marks import mark_changes, taken
from pages.parts.filters import Chosen
from pages.parts.generation.drill_down import clicked_day, drill_down
from pages.parts.palette import label
from pages.parts.words import NONE, count, day, escaped, interval, many, overridden, percent, points, share
from queries import targets
from queries.quality import Measure, QualityReport
from queries.records.generations import UNKNOWN, Which
from queries.targets import Standing
from store import Database

_NAMES = {
    "success": ("Success rate", "Generations that completed, of all that completed or failed."),
    "regeneration": ("Regeneration rate", "Workflows that replace an earlier one, of all workflows."),
    "validation": ("Validation success", "Replies that passed validation; API errors and timeouts gave no reply."),
    "schema_failures": ("Schema failures", "Replies that are not a workflow: invalid JSON, missing fields."),
    "semantic_failures": ("Semantic failures", "Replies whose steps do not fit together."),
    "api_errors": ("API error rate", "API errors, timeouts and rate limits, of all calls of the model."),
    "execution": ("Execution success", "Agent runs that succeeded, of all whose latest workflow was the model's."),
    "satisfaction": ("Satisfaction", "Good ratings, of all ratings of the model's workflows."),
}
_SIGNS: dict[Standing, str] = {"good": "✓", "watch": "◔", "bad": "✗"}


def card(measure: Measure) -> Card:
    """A rate as a card."""
    name, meaning = _NAMES[measure.name]
    who = f"{escaped(label(measure.model))}: " if measure.model else ""
    return Card(
        name,
        percent(measure.rate.pct, measure.target.limits if measure.target else ()),
        f"{who}{meaning} {share(measure.rate)}.",
        points(measure.rate.pct, measure.before.pct),
        falling_is_good=measure.target.below if measure.target else None,
        rate=measure.rate,
        target=measure.target,
        note=escaped(label(measure.model)) if measure.model else sureness(measure),
    )


def sureness(measure: Measure) -> str | None:
    """The confidence interval in words; None if there are no cases."""
    return f"95 % CI: {interval(measure.rate)}" if measure.rate.whole else None


def models(report: QualityReport) -> None:
    """Every rate of every model against its target, with its confidence interval and number of cases."""
    rows, records = [], []
    for measure in report.models:
        low, high = measure.rate.interval_pct or (None, None)
        rows.append(
            {
                "Model": label(measure.model),
                "Measure": _NAMES[measure.name][0],
                "Rate": percent(measure.rate.pct),
                "95 % CI": interval(measure.rate),
                "Cases": count(measure.rate.whole),
                "Before": percent(measure.before.pct),
                "Target": aim(measure.target) if measure.target else NONE,
                "Status": _standing(measure),
            }
        )
        records.append(
            (measure.model, measure.name, measure.rate.part, measure.rate.whole, measure.rate.pct, low, high)
        )
    frame = pd.DataFrame(records, columns=["model", "measure", "part", "whole", "pct", "low_pct", "high_pct"])
    tables.table(
        rows,
        frame,
        key="quality_models",
        title="How well does each model do, and how certain is that?",
        note="In parentheses: the 95 % CI includes the target, so the status may be chance.",
    )
    with st.expander("What the measures mean"):
        shown = set(frame["measure"])
        for name, meaning in (words for measure, words in _NAMES.items() if measure in shown):
            st.markdown(f"**{name}**: {meaning}")


def over_time(report: QualityReport, chosen: Chosen, person: Database) -> None:
    """Validation success per day and model against its target; a click shows a day's generations."""
    drawn = charts.figure(y_title="Validation success, %", height=340, over=chosen.period)
    generators.lines(
        drawn, report.daily, "valid_pct", model="model", whole="replies",
        words="%{y:.1f} % of %{customdata[2]:,} replies", unfinished=chosen.unfinished,
    )  # fmt: skip
    charts.target(drawn, float(targets.VALIDATION.good_pct), "target")
    charts.target(drawn, float(targets.VALIDATION.bad_pct), "limit")
    drawn.axis("y", rangemode="normal", range=[min(80.0, _lowest(report.daily, "valid_pct")), 101])
    mark_changes(drawn, report.figures)
    clicked = taken(
        charts.show(
            drawn,
            report.daily[["day", "model", "replies", "valid", "valid_pct"]],
            key="quality_validation",
            title="How many replies pass validation?",
            alt="Validation success per day and model against its target",
            note="The axis does not start at zero. Click a point for that day's generations with this primary model.",
            drill=True,
        )
    )
    if clicked and (of := clicked_day(clicked[0])):
        drill_down(
            person,
            chosen,
            of,
            Which(primary_model=clicked[1] or UNKNOWN, overridden=False),
            f"{label(clicked[1])} asked first on {day(of)}",
        )


def errors(report: QualityReport, chosen: Chosen, person: Database) -> None:
    """API error rate per day and model against its target; a click shows the fallbacks of a day."""
    drawn = charts.figure(y_title="API error rate, %", height=300, over=chosen.period)
    generators.lines(
        drawn, report.daily, "api_error_pct", model="model", whole="attempts",
        words="%{y:.1f} % of %{customdata[2]:,} calls", unfinished=chosen.unfinished,
    )  # fmt: skip
    charts.target(drawn, float(targets.API_ERRORS.good_pct), "target")
    clicked = charts.show(
        drawn,
        report.daily[["day", "model", "attempts", "api_errors", "api_error_pct"]],
        key="quality_errors",
        title="How often does a model's API fail?",
        alt="Share of calls with an API error, timeout or rate limit, per day and model",
        note="Click a point to see that day's fallbacks from this model.",
        drill=True,
    )
    if clicked and (of := clicked_day(clicked[0])):
        which = Which(primary_model=clicked[1] or UNKNOWN, fallback_reason="any", overridden=False)
        drill_down(person, chosen, of, which, f"Fallbacks from {label(clicked[1])} on {day(of)}")


def notes(report: QualityReport) -> None:
    """What these figures leave out."""
    said = []
    if report.left_out:
        said.append(f"{overridden(report.left_out)}: left out of this page")
    if report.unattributed:
        said.append(f"{many(report.unattributed, 'verdict')} on workflows whose model is not in the audit log")
    if report.unreadable:
        said.append(f"{many(report.unreadable, 'verdict')} that cannot be read")
    if said:
        st.caption(f":material/info: {'; '.join(said)}.")


def _standing(measure: Measure) -> str:
    if measure.target is None or measure.standing == "unknown":
        return NONE
    return f"{_SIGNS[measure.standing]} {standing(measure.rate, measure.target)}"


def _lowest(frame: pd.DataFrame, column: str) -> float:
    values = [value for value in charts.numbers(frame[column].tolist()) if value is not None]
    return min(values, default=100.0) - 2
