"""What a month would cost at another volume or fallback rate, based on measured costs."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import streamlit as st

from orchestrator.models.catalogue import BASELINE
from orchestrator.models.estimate import Month, UnitCosts
from orchestrator.models.estimate import month as month_of
from orchestrator.models.pricing import expensive_models
from pages.parts.tables import download, listing
from pages.parts.words import count, many, money, percent, unit_price
from queries.tally import Tally
from queries.unit_costs import MeasuredCosts, measured_costs
from store import clock

_VOLUMES = (1, 100, 10_000, 100_000)
_DEFAULT_VOLUME = 10_000
_RATE, _MEASURED = "outlook_rate", "outlook_measured"


def outlook(total: Tally) -> None:
    """Choose a volume and a rate; see the cost before and after and the savings, for that volume and for round ones."""
    with st.container(border=True):
        st.subheader("What would another volume or fallback rate cost?", anchor=False)
        averages = measured_costs(total, expensive_models(clock.now()))
        if averages is None:
            st.caption(
                "This needs at least one workflow in the period that a cheaper primary model answered and one that "
                "the fallback answered, both with known prices. Settings has a projection from list prices."
            )
            return
        volume, rate = _asked(averages)
        month = _month(averages, volume, rate)
        with st.grid(4, min_column_width=150):
            st.metric("Before, per month", money(month.baseline_usd), border=True)
            st.metric("After, per month", money(month.cost_usd), border=True)
            st.metric("Saved per month", money(month.saved_usd), border=True)
            st.metric("Saved per year", money(month.saved_per_year_usd), border=True)
        direct, fallback, base = map(unit_price, (averages.direct_usd, averages.fallback_usd, averages.baseline_usd))
        st.caption(
            f"Before: {BASELINE.label} alone. Measured on {many(averages.workflows, 'workflow')} with the default "
            f"models that asked a cheaper model first: {direct} if the primary model answers, {fallback} if the "
            f"fallback does, including the wasted attempt, and {base} with {BASELINE.label}. "
            f"After = workflows × ((1 − rate) × {direct} + rate × {fallback})."
        )
        _table(averages, rate)


def _asked(averages: MeasuredCosts) -> tuple[int, Decimal]:
    rounded = float(round(averages.rate_pct, 2))
    if st.session_state.get(_RATE) in (None, st.session_state.get(_MEASURED)):
        # Nobody has entered another rate: it follows the measured one.
        st.session_state[_RATE] = rounded
    st.session_state[_MEASURED] = rounded
    with st.container(horizontal=True, vertical_alignment="bottom"):
        volume = st.number_input(
            "Workflows per month", 0, 1_000_000_000, _DEFAULT_VOLUME, 1000, key="outlook_volume", width=200
        )
        rate = st.number_input(
            "Fallback rate, %", 0.0, 100.0, step=0.5, key=_RATE, width=200,
            help=f"Measured: {percent(averages.rate_pct)}",
        )  # fmt: skip
    return int(volume), Decimal(str(rate))


def _table(averages: MeasuredCosts, rate: Decimal) -> None:
    months = [_month(averages, volume, rate) for volume in _VOLUMES]
    rows = [
        {
            "Workflows per month": count(month.workflows),
            "Before": money(month.baseline_usd),
            "After": money(month.cost_usd),
            "Saved per month": money(month.saved_usd),
            "Saved per year": money(month.saved_per_year_usd),
            "Saved": percent(month.saved_pct),
        }
        for month in months
    ]
    listing(rows, f"Cost before and after for four volumes at a fallback rate of {percent(rate)}")
    figures = ["workflows", "baseline_usd", "cost_usd", "saved_usd", "saved_per_year_usd", "saved_pct"]
    frame = pd.DataFrame([[getattr(month, name) for name in figures] for month in months], columns=figures)
    with st.container(horizontal=True, horizontal_alignment="right"):
        download(frame, "outlook")


def _month(averages: MeasuredCosts, workflows: int, rate: Decimal) -> Month:
    return month_of(UnitCosts(averages.direct_usd, averages.fallback_usd, averages.baseline_usd), workflows, rate)
