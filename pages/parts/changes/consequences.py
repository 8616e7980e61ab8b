"""What follows from a change of the settings, in sentences with figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator import OrchestratorSettings
from orchestrator.models.catalogue import CATALOGUE, same_answers
from orchestrator.models.pricing import expensive_models, per_workflow
from orchestrator.system_keys import ENABLE_FALLBACK, FALLBACK, PRIMARY
from pages.parts import states
from pages.parts.filters import default_filters, zone
from pages.parts.words import count, percent, unit_price
from queries.period import USUAL_DAYS, latest
from queries.rollout import read_rollout
from store import Database, clock

_A_MONTH = 10_000


def consequences(database: Database, base: OrchestratorSettings, changes: Mapping[str, str | bool]) -> Iterator[str]:
    """One sentence for each thing that an admin should know before saving; none if there is nothing to say."""
    now = clock.now()
    after = base.values() | dict(changes)
    primary, fallback = str(after[PRIMARY.name]), str(after[FALLBACK.name])
    if PRIMARY.name in changes and primary in CATALOGUE and base.primary in CATALOGUE:
        then, before = (unit_price(per_workflow(CATALOGUE[name], now)) for name in (primary, base.primary))
        yield f"A workflow that {CATALOGUE[primary].label} answers costs about {then}, instead of {before}."
    if not after[ENABLE_FALLBACK.name]:
        yield f"Without a fallback, {_would_fail(database)}"
    elif same_answers(primary, fallback, now.date()):
        yield "The same model would answer for both, so there is no fallback."


def _would_fail(database: Database) -> str:
    """How many generations would fail, going by the fallback rate of the last days."""
    now = clock.now()
    days, filters = latest(USUAL_DAYS, zone(), now), default_filters()
    rollout = states.read(lambda: read_rollout(database, days, filters, expensive=expensive_models(now)))
    rate = rollout.total.fallback
    if not rollout.enough or rate.pct is None:
        return "each generation whose first attempt fails would fail. Too little was measured to say how many."
    failing = count(round(_A_MONTH * rate.pct / 100))
    return f"about {percent(rate.pct)} of generations would fail: {failing} of {count(_A_MONTH)} a month."
