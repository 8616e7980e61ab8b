"""What a month and a year would cost: three ways to run, at three volumes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import streamlit as st

from orchestrator.models import named
from orchestrator.projection import TYPICAL, scenarios
from pages.parts.words import money, percent
from queries.fallback_rate import fallback_rate
from store import Database

VOLUMES = (100, 10_000, 100_000)
MEASURED_OVER = timedelta(days=30)
ASSUMED_RATE_PCT = Decimal(5)


def projection(database: Database, primary: str, fallback: str, *, simulated: bool) -> None:
    """The table, from list prices and a fallback rate that starts from the measured one."""
    st.subheader("What would that cost?", anchor=False)
    now = datetime.now(UTC)
    measured = fallback_rate(database, since=now - MEASURED_OVER, simulated=simulated)
    rate = st.number_input(
        "Fallback rate to assume, %",
        0.0,
        100.0,
        float(round(ASSUMED_RATE_PCT if measured.pct is None else measured.pct, 1)),
        0.5,
        width=220,
    )
    source = f"Measured over 30 days: {percent(measured.pct)} of {measured.completed:,} workflows. "
    st.caption(
        (source if measured.completed else "Nothing measured yet: 5 % is an assumption. ")
        + f"Computed from list prices for {TYPICAL.input:,} tokens in and {TYPICAL.output:,} out: "
        "workflows × (primary + rate × fallback), since a fallback comes after a whole wasted answer."
    )
    rows = [
        {
            "Workflows a month": f"{volume:,}",
            "Models": scenario.name,
            "Month": money(scenario.monthly_usd),
            "Year": money(scenario.yearly_usd),
            "Saved": percent(scenario.saved_pct),
        }
        for volume in VOLUMES
        for scenario in scenarios(
            named(primary), named(fallback), workflows=volume, fallback_rate_pct=Decimal(str(rate)), at=now
        )
    ]
    st.dataframe(rows, hide_index=True, alt="Cost per month and year for three volumes and three ways to run")
