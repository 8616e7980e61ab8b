"""A store that can be made unavailable, to test what happens then."""

from __future__ import annotations

import pytest

from store import Argument, Database, Json, Unavailable
from tests.conftest import PooledStore


class Flaky:
    """A database that can be made unavailable for some functions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away: set[str] = set()
        self.refused: list[str] = []

    def call(self, function: str, **arguments: Argument) -> Json:
        if function in self.away:
            self.refused.append(function)
            raise Unavailable
        return self._database.call(function, **arguments)


class FlakyStore(PooledStore):
    """A store whose machine database is flaky."""

    def __init__(self, store: PooledStore) -> None:
        super().__init__(store.pool)
        self.flaky = Flaky(store.machine())

    def machine(self) -> Database:
        return self.flaky


@pytest.fixture(name="patient", autouse=True)
def patient_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is delivered in the background during the test."""
    monkeypatch.setattr("orchestrator.recording.delivery._FIRST_PAUSE_S", 3600.0)


@pytest.fixture(name="store")
def store_fixture(store: PooledStore) -> FlakyStore:
    """This module's store can be made unavailable."""
    return FlakyStore(store)
