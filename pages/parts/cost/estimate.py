"""The one estimate of what a month would cost, from what was measured or else from list prices."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
import streamlit as st

from orchestrator import OrchestratorError, read_settings
from orchestrator.models.catalogue import BASELINE, CATALOGUE, named
from orchestrator.models.estimate import Month, UnitCosts, list_costs, month
from orchestrator.models.pricing import TYPICAL, expensive_models
from pages.parts.problems import problem
from pages.parts.tables import download, listing
from pages.parts.words import about, count, many, percent, unit_price
from queries.tally import Tally
from queries.unit_costs import measured_costs
from store import Database, StoreError, clock

_VOLUMES = (1, 100, 10_000, 100_000)
_DEFAULT_VOLUME = 10_000
_ASSUMED_RATE_PCT = Decimal(5)
_RATE, _MEASURED = "estimate_rate", "estimate_measured"


@dataclass(frozen=True, slots=True)
class _Basis:
    """What an estimate is based on: unit costs, the fallback rate to begin with, and their source in words."""

    costs: UnitCosts
    rate_pct: Decimal
    source: str


def estimate(database: Database, total: Tally) -> None:
    """Choose a volume and a fallback rate; see what a month costs with Claude alone and with the fallback."""
    with st.container(border=True):
        st.subheader("What would a month cost?", anchor=False)
        basis = _measured(total) or _listed(database)
        if basis is None:
            st.caption("The prices of the configured models are unknown.")
            return
        # Side by side, so that the answer is in sight while the question changes.
        asked, answered = st.columns([1, 3])
        with asked:
            volume, rate = _asked(basis)
        chosen = month(basis.costs, volume, rate)
        with answered, st.grid(4, min_column_width=130):
            st.metric(f"{BASELINE.label} alone", about(chosen.baseline_usd), border=True)
            st.metric("With the fallback", about(chosen.cost_usd), border=True)
            st.metric("Saved per month", about(chosen.saved_usd), border=True)
            st.metric("Saved per year", about(chosen.saved_per_year_usd), border=True)
        st.markdown(
            f"**About {about(chosen.cost_usd)} a month** for {many(chosen.workflows, 'workflow')}, instead of about "
            f"{about(chosen.baseline_usd)} with {BASELINE.label} alone."
        )
        each = map(unit_price, (basis.costs.direct_usd, basis.costs.fallback_usd, basis.costs.baseline_usd))
        direct, fallback, base = each
        st.caption(
            f"{basis.source} {direct} if the primary model answers, {fallback} if the fallback does, wasted attempt "
            f"included, {base} with {BASELINE.label} alone. "
            f"With the fallback = workflows × ((1 − rate) × {direct} + rate × {fallback})."
        )
        _table(basis.costs, rate)


def _measured(total: Tally) -> _Basis | None:
    """From the period's workflows; None without both direct answers and fallbacks."""
    averages = measured_costs(total, expensive_models(clock.now()))
    if averages is None:
        return None
    costs = UnitCosts(averages.direct_usd, averages.fallback_usd, averages.baseline_usd)
    source = (
        f"Measured on {many(averages.workflows, 'workflow')} with the default models that asked a cheaper model first, "
        f"{percent(averages.rate_pct)} of which the fallback answered:"
    )
    return _Basis(costs, averages.rate_pct, source)


def _listed(database: Database) -> _Basis | None:
    """From list prices and an assumed fallback rate, while too little was measured."""
    try:
        keys = read_settings(database)
    except (OrchestratorError, StoreError) as error:
        problem(error)
        return None
    if not {keys.primary, keys.fallback} <= set(CATALOGUE):
        return None
    costs = list_costs(named(keys.primary), named(keys.fallback), clock.now())
    source = (
        f"Too little was measured in this period, so this is an estimate from list prices, for {TYPICAL.input:,} input "
        f"and {TYPICAL.output:,} output tokens; {percent(_ASSUMED_RATE_PCT)} is an assumption:"
    )
    return _Basis(costs, _ASSUMED_RATE_PCT, source) if costs else None


def _asked(basis: _Basis) -> tuple[int, Decimal]:
    rounded = float(round(basis.rate_pct, 2))
    if st.session_state.get(_RATE) in (None, st.session_state.get(_MEASURED)):
        # Nobody has entered another rate: it follows the measured one.
        st.session_state[_RATE] = rounded
    st.session_state[_MEASURED] = rounded
    volume = st.number_input("Workflows per month", 0, 1_000_000_000, _DEFAULT_VOLUME, 1000, key="estimate_volume")
    rate = st.number_input("Fallback rate of the cheap model, %", 0.0, 100.0, step=0.5, key=_RATE)
    return int(volume), Decimal(str(rate))


def _table(costs: UnitCosts, rate: Decimal) -> None:
    months = [month(costs, volume, rate) for volume in _VOLUMES]
    rows = [
        {
            "Workflows per month": count(each.workflows),
            f"{BASELINE.label} alone": about(each.baseline_usd),
            "With the fallback": about(each.cost_usd),
            "Saved per month": about(each.saved_usd),
            "Saved per year": about(each.saved_per_year_usd),
            "Saved": percent(each.saved_pct),
        }
        for each in months
    ]
    listing(rows, f"Cost of a month for four volumes at a fallback rate of {percent(rate)}")
    with st.container(horizontal=True, horizontal_alignment="right"):
        download(_frame(months), "estimate")


def _frame(months: list[Month]) -> pd.DataFrame:
    figures = ["workflows", "baseline_usd", "cost_usd", "saved_usd", "saved_per_year_usd", "saved_pct"]
    return pd.DataFrame([[getattr(each, name) for name in figures] for each in months], columns=figures)
