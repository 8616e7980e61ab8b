"""Can the cheap model be trusted? Each rate against its target, with its 95 % CI."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from queries import targets
from queries.figures import Attempts, Figures, Verdicts, read_figures
from queries.filters import Filters
from queries.models import attempt_rates, verdict_rate
from queries.period import Period
from queries.rates import Rate
from queries.series import before, by_day, now
from queries.tally import Tally, tally
from queries.targets import Standing, Target
from store import Database


@dataclass(frozen=True, slots=True)
class Measure:
    """One rate.

    Attributes:
        name: success, regeneration, validation, schema_failures, semantic_failures, api_errors, execution or
            satisfaction.
        model: the model it belongs to; None for the orchestrator as a whole.
        target: None if there is none.
    """

    name: str
    model: str | None
    rate: Rate
    before: Rate
    target: Target | None

    @property
    def standing(self) -> Standing:
        """How the rate compares with its target; unknown without one."""
        return self.target.standing(self.rate) if self.target else "unknown"

    @property
    def certain(self) -> bool:
        """Whether the whole 95 % CI lies on one side of the target."""
        return self.target is not None and self.target.certain(self.rate)


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The quality of a period; generations with overrides or a forced failure are left out.

    Attributes:
        overall: success and regeneration.
        models: per model: validation, schema and semantic failures, API errors, and the execution success and
            satisfaction of its workflows.
        daily: day, model, replies, valid, valid_pct, attempts, api_errors, api_error_pct; a model has no row for a day
            on which it was not asked.
        left_out: generations with overrides or a forced failure.
        unattributed: agent runs and ratings whose workflow's model is not in the log.
        unreadable: agent runs and ratings that cannot be read.
    """

    figures: Figures
    overall: tuple[Measure, ...]
    models: tuple[Measure, ...]
    daily: pd.DataFrame
    left_out: int
    unattributed: int
    unreadable: int


def read_quality(database: Database, period: Period, filters: Filters, model: str | None = None) -> QualityReport:
    """The quality report of a period; the figures of models are limited to one model if given.

    Raises:
        StoreError: the database did not answer, or this identity may not read.
    """
    figures = read_figures(database, period, filters, ("generations", "attempts", "verdicts", "changes"))
    attempts = [row for row in figures.attempts if not row.overridden and model in (None, row.model)]
    verdicts = [row for row in figures.verdicts if not row.overridden and model in (None, row.generator)]
    everything = tally(now(figures.generations))
    return QualityReport(
        figures,
        overall(
            everything.as_configured,
            tally(before(figures.generations)).as_configured,
        ),
        tuple(_models(attempts, verdicts)),
        _daily(figures, attempts),
        everything.overridden,
        sum(row.total for row in now(figures.verdicts) if row.generator is None),
        sum(row.unreadable for row in now(figures.verdicts)),
    )


def overall(total: Tally, earlier: Tally) -> tuple[Measure, ...]:
    """What the orchestrator as a whole delivers, whichever model answers."""
    return (
        Measure("success", None, total.success, earlier.success, targets.SUCCESS),
        Measure("regeneration", None, total.regeneration, earlier.regeneration, targets.REGENERATION),
    )


def _models(attempts: list[Attempts], verdicts: list[Verdicts]) -> Iterable[Measure]:
    names = {row.model for row in now(attempts)} | {row.generator for row in now(verdicts)}
    for name in sorted(filter(None, names)):
        calls = attempt_rates(row for row in now(attempts) if row.model == name)
        earlier = attempt_rates(row for row in before(attempts) if row.model == name)
        yield Measure("validation", name, calls.validation, earlier.validation, targets.VALIDATION)
        yield Measure("schema_failures", name, calls.schema_failures, earlier.schema_failures, None)
        yield Measure("semantic_failures", name, calls.semantic_failures, earlier.semantic_failures, None)
        yield Measure("api_errors", name, calls.api_errors, earlier.api_errors, targets.API_ERRORS)
        for kind, measure, target in (
            ("execution", "execution", targets.EXECUTION),
            ("rating", "satisfaction", targets.SATISFACTION),
        ):
            rate = verdict_rate((row for row in now(verdicts) if row.generator == name), kind)
            was = verdict_rate((row for row in before(verdicts) if row.generator == name), kind)
            yield Measure(measure, name, rate, was, target)


def _daily(figures: Figures, attempts: list[Attempts]) -> pd.DataFrame:
    records = []
    for day, of_day in by_day(figures, attempts):
        for name in sorted({row.model for row in of_day}, key=str):
            calls = attempt_rates(row for row in of_day if row.model == name)
            valid, errors = calls.validation, calls.api_errors
            records.append((day, name, valid.whole, valid.part, valid.pct, errors.whole, errors.part, errors.pct))
    columns = ["day", "model", "replies", "valid", "valid_pct", "attempts", "api_errors", "api_error_pct"]
    return pd.DataFrame(records, columns=columns, dtype=object)
