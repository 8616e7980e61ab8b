"""The shell with a test's own application behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from orchestrator import Application
from pages.parts import console

SHELL = str(Path(__file__).parents[2] / "pages" / "shell.py")


@pytest.fixture(name="page")
def page_fixture(application: Application, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The console's first page, not run yet."""
    # Importing the SDKs takes seconds, in which Streamlit's harness would time out.
    application.orchestrator.warm()
    monkeypatch.setattr(console, "application", lambda: application)
    return AppTest.from_file(SHELL, default_timeout=20)
