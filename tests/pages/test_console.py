"""What the process does for all its pages."""

from __future__ import annotations

import gc

import pytest

from orchestrator import Application
from pages.parts import console


@pytest.fixture(name="_all_is_collected")
def all_is_collected_fixture() -> None:
    """As in a process that has just started."""
    gc.unfreeze()


@pytest.mark.usefixtures("_all_is_collected")
def test_a_rerun_does_not_look_through_what_is_imported(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit collects garbage after each rerun: once the process is warm, little is left to scan."""
    monkeypatch.setattr(console, "application", lambda: application)
    console.warm()

    assert len(gc.get_objects()) < gc.get_freeze_count() / 10
