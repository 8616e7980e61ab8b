"""What an admin should know about the current keys, whatever the figures say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from orchestrator import OrchestratorError, OrchestratorSettings, read_settings
from orchestrator.models.catalogue import CATALOGUE
from orchestrator.models.pricing import expensive_models, per_workflow
from pages.parts.problems import problem
from pages.parts.system_keys import answers_as, ends
from pages.parts.words import unit_price
from store import Database, StoreError, clock

_URGENT = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about the keys; an urgent one asks for an action."""

    sentence: str
    urgent: bool


def notes(database: Database) -> tuple[Note, ...]:
    """That the primary model is expensive, that there is no fallback, or that a model retires soon; usually nothing."""
    try:
        return tuple(_notes(read_settings(database)))
    except (OrchestratorError, StoreError) as error:
        problem(error)
        return ()


def _notes(keys: OrchestratorSettings) -> Iterator[Note]:
    now = clock.now()
    asked = [keys.primary, *([keys.fallback] if keys.has_second(now.date()) else [])]
    if len(asked) == 1:
        yield Note("There is no fallback: if the primary model fails, the generation fails.", urgent=True)
    if keys.primary in expensive_models(now):
        price = unit_price(per_workflow(CATALOGUE[keys.primary], now))
        yield Note(f"{answers_as(keys.primary)} is the primary model: each workflow costs about {price}.", urgent=True)
    for name in asked:
        model = CATALOGUE.get(name)
        if model and model.retires_on and (sentence := ends(model)):
            yield Note(sentence, urgent=model.retires_on <= now.date() + _URGENT)
