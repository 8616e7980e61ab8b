"""What a month and a year would cost with three model setups at three volumes."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from orchestrator.models.catalogue import named
from orchestrator.models.estimate import list_costs, setups
from orchestrator.models.pricing import TYPICAL, expensive_models
from pages.parts import states
from pages.parts.filters import default_filters, zone
from pages.parts.tables import listing
from pages.parts.words import count, money, percent, share
from queries.period import USUAL_DAYS, latest
from queries.rollout import Rollout, read_rollout
from store import Database, clock

VOLUMES = (100, 10_000, 100_000)
ASSUMED_RATE_PCT = Decimal(5)


def projection(database: Database, primary: str, fallback: str) -> None:
    """The table, computed from list prices and a fallback rate that starts at the measured one."""
    st.subheader("What would a month cost?", anchor=False)
    now = clock.now()
    days, filters = latest(USUAL_DAYS, zone(), now), default_filters()
    rollout = states.read(lambda: read_rollout(database, days, filters, expensive=expensive_models(now)))
    measured = rollout.total.fallback
    rate = st.number_input(
        "Assumed fallback rate, %",
        0.0,
        100.0,
        float(round(measured.pct if rollout.enough and measured.pct is not None else ASSUMED_RATE_PCT, 1)),
        0.5,
        width=220,
    )
    st.caption(
        f"{_source(rollout)} At list prices for {TYPICAL.input:,} input and {TYPICAL.output:,} output tokens: "
        "workflows × (primary + rate × fallback), since a fallback pays for both answers."
    )
    first, second = named(primary), named(fallback)
    costs = list_costs(first, second, now)
    rows = [
        {
            "Models": name,
            "Workflows per month": count(volume),
            "Cost per month": money(month.cost_usd),
            "Cost per year": money(month.cost_per_year_usd),
            "Saved": percent(month.saved_pct),
        }
        for volume in VOLUMES
        for name, month in (setups(costs, first, second, volume, Decimal(str(rate))) if costs else {}).items()
    ]
    listing(rows, "Cost per month and year for three volumes and three model setups")


def _source(rollout: Rollout) -> str:
    """The source of the rate in the field."""
    if rollout.enough:
        return f"Measured over {USUAL_DAYS} days: {share(rollout.total.fallback)} with a cheaper model asked first."
    measured = rollout.total.fallback
    so_far = f"Measured so far: {share(measured)}, too few to rely on" if measured.whole else "Nothing measured yet"
    return f"{so_far}. {percent(ASSUMED_RATE_PCT)} is an assumption."
