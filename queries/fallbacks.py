"""How often does the primary model fail, and why?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from queries.days import Day, days_of
from queries.figures import Attempts, Figures, Generations, read_figures
from queries.filters import Filters
from queries.models import attempt_rates
from queries.period import Period
from queries.prompts import new_prompts
from queries.rates import Rate
from queries.series import before, by_day, now
from queries.tally import REASONS, Tally, tally
from store import Database


@dataclass(frozen=True, slots=True)
class Band:
    """A range of numbers, both ends included; `most` is None for no upper limit."""

    name: str
    least: int
    most: int | None


STEP_BANDS = (
    Band("1-3", 0, 3),
    Band("4-6", 4, 6),
    Band("7-10", 7, 10),
    Band("11-20", 11, 20),
    Band("more than 20", 21, None),
)
SERVICE_BANDS = (
    Band("none", 0, 0),
    Band("1", 1, 1),
    Band("2", 2, 2),
    Band("3", 3, 3),
    Band("more than 3", 4, None),
)
"""The same bands, in the same order, as in the arrays of the rollups."""


@dataclass(frozen=True, slots=True)
class FallbackReport:
    """The fallbacks of a period's completed generations; rates leave out overridden generations.

    Attributes:
        total, before: tallies of the period and of the previous one.
        days: the figures of each day, without latencies.
        daily: day, completed, fallbacks, rate_pct (None if nothing completed), and a count for each reason; every day
            has a row.
        reasons: reason, fallbacks, share_pct of all fallbacks (None if there are none), cost_usd of these generations,
            wasted_usd on their first attempts; every reason has a row, overridden generations count.
        by_primary: primary_model (None if unknown), completed, fallbacks, rate_pct, low_pct, high_pct.
        first_unknown: fallbacks whose primary model is unknown, even if a model is selected.
        by_steps, by_services: band, completed, fallbacks, rate_pct, low_pct, high_pct; only bands that occur.
        findings: code, attempts; the rules that rejected replies, most frequent first.
        prompts: prompt_version (None if not recorded), first_day (of the period), new (whether it was not in use
            before, see `queries.prompts.new_prompts`), replies, valid, valid_pct; of all models unless one is selected.
    """

    figures: Figures
    total: Tally
    before: Tally
    days: tuple[Day, ...]
    daily: pd.DataFrame
    reasons: pd.DataFrame
    by_primary: pd.DataFrame
    first_unknown: int
    by_steps: pd.DataFrame
    by_services: pd.DataFrame
    findings: pd.DataFrame
    prompts: pd.DataFrame


def read_fallbacks(database: Database, period: Period, filters: Filters, primary: str | None = None) -> FallbackReport:
    """The fallback report of a period, limited to generations that asked `primary` first if given.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations", "attempts", "findings", "changes"))
    rows = [row for row in figures.generations if primary is None or row.primary_model == primary]
    attempts = [row for row in figures.attempts if not row.overridden and primary in (None, row.model)]
    current = tally(now(rows))
    judged = current.as_configured.rows
    return FallbackReport(
        figures,
        current,
        tally(before(rows)),
        days_of(figures, rows, ()),
        _daily(figures, (row for row in rows if not row.overridden)),
        _reasons(current),
        _by_primary(judged),
        tally(row for row in now(figures.generations) if row.primary_model is None).as_configured.fallback.part,
        _by_band(judged, STEP_BANDS, lambda row: row.by_steps),
        _by_band(judged, SERVICE_BANDS, lambda row: row.by_services),
        _findings(figures, primary),
        _prompts(figures, attempts),
    )


def _daily(figures: Figures, rows: Iterable[Generations]) -> pd.DataFrame:
    records = []
    for day, of_day in by_day(figures, rows):
        own = tally(of_day)
        reasons = own.fallback_reasons
        records.append((day, own.completed, own.fallback.part, own.fallback.pct, *(reasons[name] for name in REASONS)))
    return pd.DataFrame(records, columns=["day", "completed", "fallbacks", "rate_pct", *REASONS], dtype=object)


def _reasons(total: Tally) -> pd.DataFrame:
    records = []
    for reason in REASONS:
        own = tally(row for row in total.fallen_back.rows if row.fallback_reason == reason)
        share = Rate(own.completed, total.fallback.part)
        records.append((reason, own.completed, share.pct, own.cost_usd, own.wasted_usd))
    return pd.DataFrame(records, columns=["reason", "fallbacks", "share_pct", "cost_usd", "wasted_usd"], dtype=object)


def _by_primary(rows: Sequence[Generations]) -> pd.DataFrame:
    completed = [row for row in rows if row.status == "completed"]
    names = sorted({row.primary_model for row in completed}, key=str)
    rates = ((name, tally(row for row in completed if row.primary_model == name).fallback) for name in names)
    return _rates("primary_model", rates)


def _by_band(
    rows: Sequence[Generations], bands: tuple[Band, ...], counts: Callable[[Generations], tuple[int, ...]]
) -> pd.DataFrame:
    completed = [row for row in rows if row.status == "completed"]
    rates = []
    for place, band in enumerate(bands):
        whole = sum(counts(row)[place] for row in completed)
        part = sum(counts(row)[place] for row in completed if row.fallback_reason)
        if whole:
            rates.append((band.name, Rate(part, whole)))
    return _rates("band", rates)


def _rates(name: str, rates: Iterable[tuple[str | None, Rate]]) -> pd.DataFrame:
    records = []
    for label, rate in rates:
        low, high = rate.interval_pct or (None, None)
        records.append((label, rate.whole, rate.part, rate.pct, low, high))
    columns = [name, "completed", "fallbacks", "rate_pct", "low_pct", "high_pct"]
    return pd.DataFrame(records, columns=columns, dtype=object)


def _findings(figures: Figures, model: str | None) -> pd.DataFrame:
    counts: dict[str, int] = {}
    for row in now(figures.findings):
        if model is None or row.model == model:
            counts[row.code] = counts.get(row.code, 0) + row.attempts
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return pd.DataFrame(ordered, columns=["code", "attempts"], dtype=object)


def _prompts(figures: Figures, attempts: list[Attempts]) -> pd.DataFrame:
    first_days: dict[int | None, object] = {}
    for day, of_day in by_day(figures, attempts):
        for row in of_day:
            first_days.setdefault(row.prompt_version, day)
    new = new_prompts(figures)
    records = []
    for version in sorted(first_days, key=lambda version: (version is None, version or 0)):
        rate = attempt_rates(row for row in now(attempts) if row.prompt_version == version).validation
        if rate.whole:
            records.append((version, first_days[version], version in new, rate.whole, rate.part, rate.pct))
    columns = ["prompt_version", "first_day", "new", "replies", "valid", "valid_pct"]
    return pd.DataFrame(records, columns=columns, dtype=object)
