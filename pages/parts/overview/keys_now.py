"""What an admin should know about the current keys before looking at figures."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from orchestrator import OrchestratorError, OrchestratorSettings, read_settings
from orchestrator.models.catalogue import CATALOGUE
from orchestrator.models.pricing import expensive_models, per_workflow
from pages.parts.problems import problem
from pages.parts.system_keys import answers_as, ends
from pages.parts.words import escaped, unit_price
from store import Database, StoreError, clock


def keys_now(database: Database) -> None:
    """A note if the primary model is expensive, there is no fallback, or a model retires soon; otherwise nothing."""
    try:
        keys = read_settings(database)
    except (OrchestratorError, StoreError) as error:
        problem(error)
        return
    for note in _notes(keys):
        st.caption(f":material/tune: {escaped(note)}")


def _notes(keys: OrchestratorSettings) -> Iterator[str]:
    now = clock.now()
    asked = [keys.primary, *([keys.fallback] if keys.has_second(now.date()) else [])]
    if keys.primary in expensive_models(now):
        price = unit_price(per_workflow(CATALOGUE[keys.primary], now))
        yield f"{answers_as(keys.primary)} is the primary model: each workflow costs about {price}."
    if len(asked) == 1:
        yield "There is no fallback: if the primary model fails, the generation fails."
    for name in asked:
        if name in CATALOGUE and (note := ends(CATALOGUE[name])):
            yield note
