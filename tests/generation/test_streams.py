"""No half-read stream is left behind: the garbage collector would close it on whichever thread it happens to run."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from types import AsyncGeneratorType

import pytest

from orchestrator import Application, GenerationFailed
from orchestrator.simulator import Fault
from tests.generation.conftest import Ask

_ANSWERING = [fault for fault in Fault if fault not in (Fault.HANG, Fault.DRIP)]


@pytest.fixture(name="no_collection")
def no_collection_fixture() -> Iterator[None]:
    """Keeps the garbage collector from cleaning up what should not have been left behind."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
def test_every_stream_is_closed(application: Application, ask: Ask) -> None:
    """This holds however the primary failed."""
    before = _streams()
    for fault in _ANSWERING:
        with contextlib.suppress(GenerationFailed):
            ask(application, primary_fault=fault)

        assert _streams() == before, fault


def _streams() -> list[str]:
    return sorted(item.__qualname__ for item in gc.get_objects() if type(item) is AsyncGeneratorType)
