"""What happened: the days that differ most from usual ones, each opening its drawer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import streamlit as st

from pages.parts.changes.near import changes_near
from pages.parts.drawer import drawer, named
from pages.parts.filters import Chosen
from pages.parts.generation.drill_down import clicked_day, listed
from pages.parts.words import day_span, money, percent, seconds
from queries.deviations import Deviation, deviations
from queries.overview import Overview
from queries.records.generations import Which
from store import Database

_DAY = "day"
_NAMES = {
    "fallback": "Fallback rate",
    "success": "Success rate",
    "cost": "Cost per workflow",
    "latency": "Time (P95)",
}


def happened(report: Overview, chosen: Chosen, person: Database) -> None:
    """The largest deviations of the period in words; a sentence if there are none."""
    found = deviations(chosen.finished(report.days))
    with st.container(border=True, gap=None, key="happened"):
        st.subheader("What happened?", anchor=False)
        if not found:
            st.caption("No day of this period differs much from its usual days, or too few have enough workflows.")
        for one in found:
            st.button(
                sentence(one), key=f"happened_{one.measure}_{one.at}", type="tertiary", icon=_icon(one),
                on_click=open_day, args=(one.at,),
            )  # fmt: skip
    of = clicked_day(named(_DAY, None))
    if of in chosen.period.days:
        drawer(day_span(of, of), lambda: _story(person, report, chosen, of, found), parameter=_DAY)


def sentence(one: Deviation) -> str:
    """A deviation in words: `10 to 11 Nov 2026: fallback rate 19.8 %, usually 3.8 %`."""
    words = {"cost": lambda usd: money(Decimal(usd)), "latency": seconds}.get(one.measure, percent)
    return f"{day_span(one.first, one.last)}: {_NAMES[one.measure]} {words(one.value)}, usually {words(one.usual)}"


def _icon(one: Deviation) -> str:
    return ":material/trending_up:" if one.score > 0 else ":material/trending_down:"


def open_day(of: date) -> None:
    """Open the drawer of a day in the next run."""
    st.query_params[_DAY] = of.isoformat()


def _story(person: Database, report: Overview, chosen: Chosen, of: date, found: Sequence[Deviation]) -> None:
    for one in found:
        if one.first <= of <= one.last:
            st.markdown(f"{_icon(one)} {sentence(one)}")
    changes_near(person, report.figures, chosen, of)
    st.markdown("**Generations of this day**")
    listed(person, chosen, of, Which(), f"Generations of {day_span(of, of)}")
