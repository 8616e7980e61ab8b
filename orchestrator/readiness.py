"""Whether this process can generate: its database and its models."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.bootstrap import Application
from orchestrator.errors import ModelNotConfigured, OrchestratorError
from orchestrator.models.catalogue import named
from orchestrator.settings import read_settings
from store import StoreError


def trouble(application: Callable[[], Application]) -> str | None:
    """The code of what is wrong now; None if the database has all that is needed and the primary model can be asked.

    Args:
        application: this process's; it may raise an OrchestratorError or a StoreError.
    """
    try:
        made = application()
        made.store.check()
        primary = read_settings(made.store.machine()).primary
        return ModelNotConfigured.code if made.orchestrator.missing_key(named(primary)) else None
    except (OrchestratorError, StoreError) as error:
        return error.code
