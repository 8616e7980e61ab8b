"""The charts of the fallbacks page."""

from __future__ import annotations

from datetime import date

from pages.parts import charts, tables
from pages.parts.behind import behind, clicked_day
from pages.parts.change_marks import mark_changes
from pages.parts.charts import numbers
from pages.parts.fallbacks.day_story import day_story
from pages.parts.filters import Chosen
from pages.parts.palette import FALLBACK, REASON_COLOURS, REASON_LABELS
from pages.parts.words import NONE, count, day, money, percent, spoken, threshold
from queries import targets
from queries.behind import Which
from queries.fallbacks import FallbackReport
from queries.tally import REASONS
from store import Database


def rate(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The rate day by day against the three limits; a click shows the fallbacks of a day."""
    drawn = charts.figure(y_title="Fallback rate, %", height=360, over=chosen.period)
    frame = report.daily
    charts.line(
        drawn,
        frame["day"].tolist(),
        frame["rate_pct"].tolist(),
        name="Fallback rate",
        colour=FALLBACK,
        about=[[str(row["day"]), row["fallbacks"], row["completed"]] for row in frame.to_dict("records")],
        words="%{y:.1f} %: %{customdata[1]:,} of %{customdata[2]:,}",
        unfinished=chosen.unfinished,
    )
    for limit, words in (
        (targets.FALLBACK.bad_pct, "act"),
        (targets.FALLBACK.good_pct, "target"),
        (targets.FALLBACK_RARE_PCT, "rare"),
    ):
        charts.target(drawn, float(limit), words)
    mark_changes(drawn, report.figures)
    clicked = charts.show(
        drawn,
        frame,
        key="fallback_rate",
        title="How often did the fallback answer?",
        alt=f"Fallback rate per day, {percent(report.total.as_configured.fallback.pct)} over the period",
        note=f"Above {threshold(targets.FALLBACK.bad_pct)} improve the prompts; below "
        f"{threshold(targets.FALLBACK_RARE_PCT)} a fallback is hardly needed. Dotted: a system key was changed or a "
        "prompt version first used. Click a day for its story.",
        drill=True,
    )
    if clicked and (of := clicked_day(clicked[0])):
        day_story(person, report, chosen, of)
        _behind(person, chosen, of, None)


def reasons(report: FallbackReport, chosen: Chosen, person: Database) -> None:
    """The fallbacks of each day by reason; a click shows those behind a bar."""
    drawn = charts.figure(y_title="Fallbacks a day", over=chosen.period, barmode="stack")
    frame = report.daily[["day", *REASONS]]
    for reason in REASONS:
        charts.bars(
            drawn,
            frame["day"].tolist(),
            frame[reason].tolist(),
            name=REASON_LABELS[reason],
            marker={"color": REASON_COLOURS[reason]},
            about=[[str(of), reason, all_] for of, all_ in zip(frame["day"], report.daily["fallbacks"], strict=True)],
            words=f"{REASON_LABELS[reason]}: %{{y:,}} of %{{customdata[2]:,}} fallbacks",
            unfinished=chosen.unfinished,
        )
    charts.whole(drawn)
    clicked = charts.show(
        drawn,
        frame,
        key="fallback_reasons",
        title="Why was it asked?",
        alt="Fallbacks per day by reason",
        note="Click a bar for the generations behind it.",
        drill=True,
    )
    if clicked and (of := clicked_day(clicked[0])):
        _behind(person, chosen, of, clicked[1])


def cost(report: FallbackReport) -> None:
    """What each reason cost, as a table that adds up."""
    frame = report.reasons
    rows = [
        {
            "Reason": REASON_LABELS[row["reason"]],
            "Fallbacks": count(row["fallbacks"]),
            "Share": percent(row["share_pct"]),
            "Cost": money(row["cost_usd"]) if row["fallbacks"] else NONE,
            "of it wasted": money(row["wasted_usd"]) if row["fallbacks"] else NONE,
        }
        for row in frame.to_dict("records")
    ]
    tables.table(
        rows,
        frame,
        key="fallback_cost",
        title="What did the fallbacks cost?",
        note="Whole cost of all generations that the fallback answered, and what their first attempts wasted.",
    )


def findings(report: FallbackReport) -> str | None:
    """The rules that refused most replies; the code of the one that was clicked."""
    frame = report.findings.head(10)
    if frame.empty:
        return None
    drawn = charts.figure(y_title="", height=115 + 26 * len(frame))
    drawn.add(
        "bar",
        x=numbers(frame["attempts"].tolist()),
        y=[spoken(code) for code in frame["code"]],
        customdata=[[code] for code in frame["code"]],
        orientation="h",
        marker_color=REASON_COLOURS["validation_failed"],
        hovertemplate="%{y}: %{x:,} replies<extra></extra>",
    )
    drawn.axis("y", autorange="reversed", type="category")
    charts.whole(drawn, "x")
    drawn.axis("x", title="Replies refused")
    clicked = charts.show(
        drawn,
        frame,
        key="fallback_findings",
        title="What was wrong with the refused answers?",
        alt="Replies refused by rule, most frequent first",
        note="A reply may break several rules. Click a bar to see such answers, at the end of the page.",
        drill=True,
    )
    return str(clicked[0]) if clicked else None


def prompts(report: FallbackReport) -> None:
    """How each prompt version did; nothing while there was but one."""
    frame = report.prompts
    if len(frame) < 2:
        return
    rows = [
        {
            "Prompt version": str(row["prompt_version"]) if row["prompt_version"] is not None else NONE,
            "First seen here": day(row["first_day"]),
            "Replies": count(row["replies"]),
            "Validated": percent(row["valid_pct"]),
        }
        for row in frame.to_dict("records")
    ]
    tables.table(rows, frame, key="fallback_prompts", title="Did a prompt release change anything?")


def _behind(person: Database, chosen: Chosen, of: date, reason: str | None) -> None:
    which = Which(outcome="completed", primary_model=chosen.model, fallback_reason=reason or "any", overridden=False)
    what = REASON_LABELS[reason] if reason else "Fallbacks"
    behind(person, chosen, of, which, f"{what} on {day(of)}")
