"""What did workflows cost, and what was saved?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from queries.days import Day, days_of
from queries.figures import Figures, Generations, read_figures
from queries.filters import Filters
from queries.period import Period
from queries.series import before, by_day, by_generator, now
from queries.tally import Tally, tally
from store import Database


@dataclass(frozen=True, slots=True)
class CostReport:
    """The money of a period.

    Attributes:
        total, before: tallies of the period and of the previous one.
        all_generators: tally of the period for all generators, even if one is selected.
        days: the figures of each day, without latencies.
        daily: one row per day and generator that answered: day, generator, generations, cost_usd and its parts
            answers_usd and wasted_usd (US dollars as Decimal, None if unknown); a day without completed generations
            has no row.
        savings: one row per day: day, compared, baseline_usd, cost_usd, wasted_usd, savings_usd, cumulative_usd; None
            where nothing could be compared.
        bridge: the steps from the baseline to the cost: step (baseline, answers, waste, cost) and usd, in this order;
            empty if nothing could be compared. baseline + answers + waste = cost, exactly. If some waste is unknown,
            the steps are baseline, both (answers and waste together), cost.
    """

    figures: Figures
    total: Tally
    before: Tally
    all_generators: Tally
    days: tuple[Day, ...]
    daily: pd.DataFrame
    savings: pd.DataFrame
    bridge: pd.DataFrame


def read_cost(database: Database, period: Period, filters: Filters, generator: str | None = None) -> CostReport:
    """The cost report of a period, limited to one generator if given.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations", "attempts", "changes"))
    rows = [row for row in figures.generations if generator is None or row.generator == generator]
    total = tally(now(rows))
    return CostReport(
        figures,
        total,
        tally(before(rows)),
        tally(now(figures.generations)),
        days_of(figures, rows, ()),
        daily(figures, rows),
        _savings(figures, rows),
        bridge(total),
    )


def daily(figures: Figures, rows: Iterable[Generations]) -> pd.DataFrame:
    """`CostReport.daily` for these rows."""
    records = [
        (day, generator, own.completed, own.cost_usd, own.answers_usd, own.wasted_usd)
        for day, of_day in by_day(figures, rows)
        for generator, own in by_generator(of_day)
    ]
    columns = ["day", "generator", "generations", "cost_usd", "answers_usd", "wasted_usd"]
    return pd.DataFrame(records, columns=columns, dtype=object)


def bridge(total: Tally) -> pd.DataFrame:
    """From the baseline to the cost of the compared generations, step by step; empty if there are none."""
    columns = ["step", "usd"]
    if total.baseline_usd is None:
        return pd.DataFrame(columns=columns)
    wasted, less = total.compared_wasted_usd, total.compared_cost_usd - total.baseline_usd
    parts = [("both", less)] if total.without_waste else [("answers", less - wasted), ("waste", wasted)]
    steps = [("baseline", total.baseline_usd), *parts, ("cost", total.compared_cost_usd)]
    return pd.DataFrame(steps, columns=columns, dtype=object)


def _savings(figures: Figures, rows: list[Generations]) -> pd.DataFrame:
    records, so_far = [], Decimal(0)
    for day, of_day in by_day(figures, rows):
        own = tally(of_day)
        so_far += own.savings_usd or 0
        cost, wasted = (own.compared_cost_usd, own.compared_wasted_usd) if own.compared else (None, None)
        records.append((day, own.compared, own.baseline_usd, cost, wasted, own.savings_usd, so_far))
    columns = ["day", "compared", "baseline_usd", "cost_usd", "wasted_usd", "savings_usd", "cumulative_usd"]
    return pd.DataFrame(records, columns=columns, dtype=object)
